import { describe, expect, it } from 'vitest';
import { click, draw, ok, refused, screen, type, waitFor, within, world } from '$lib/test/draw';
import Card from './Card.svelte';

describe('paying a card of the server', () => {
  it('offers the minimum, the statement and all of it, and orders what was chosen once', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Pay the card');
    const dialog = within(await screen.findByRole('dialog', { name: 'Pay Quillmere Card ··4417' }));
    for (const name of [/^Minimum due/, /^Statement balance/, /^Current balance/]) expect(await dialog.findByRole('radio', { name })).toBeTruthy();
    await click(/^Statement balance/, 'radio');
    await click('Pay $1,284.60');
    await waitFor(() =>
      expect(on.commands.payBill).toHaveBeenCalledWith(
        expect.objectContaining({ bill: null, biller: 'account-card', amount: { minor: 128460, currency: 'USD' }, duplicate_meant: false }),
      ),
    );
  });

  it('begins with what avoids all interest, and says what the minimum costs', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Pay the card');
    const dialog = within(await screen.findByRole('dialog', { name: 'Pay Quillmere Card ··4417' }));
    const none = (await dialog.findByRole('radio', { name: /^No interest at all\s*\$984\.60/ })) as HTMLInputElement;
    expect(none.checked).toBe(true);
    expect(dialog.getByRole('radio', { name: /^Minimum due.*Adds about \$13\.63 of interest on Wed, Nov\s25\./ })).toBeTruthy();
    expect(dialog.getByRole('button', { name: 'Pay $984.60' })).toBeTruthy();
  });

  it('asks for less where no plan is wished to be paid first', async () => {
    const on = world('?world=served');
    await on.ipc.commands.cardExcess('account-card', 'by_rate');
    draw(Card, on);
    expect(await screen.findByText(/^\$624\.60 by Nov 19 avoids all interest/)).toBeTruthy();
  });

  it('says it of the statement where that is the same, and nothing where interest runs already', async () => {
    const on = world('?world=served');
    const all = await on.ipc.commands.cardPayoff('account-card', null);
    if (all.status !== 'ok' || all.data.kind !== 'ready') throw new Error('no payoff');
    const ready = all.data;
    on.desk.commands.cardPayoff = () => ok({ ...ready, avoids_interest: { minor: 128460, currency: 'USD' } });
    draw(Card, on);
    await click('Pay the card');
    expect(await screen.findByRole('radio', { name: /^Statement balance.*Avoids all interest\./ })).toBeTruthy();
    expect(screen.queryByRole('radio', { name: /^No interest at all/ })).toBeNull();
    on.desk.commands.cardPayoff = () => ok({ ...ready, avoids_interest: null });
    await click('Cancel');
    await click('Pay the card');
    expect(await screen.findByRole('radio', { name: /^Statement balance.*Avoids interest on purchases\./ })).toBeTruthy();
    expect(screen.queryByRole('radio', { name: /^No interest at all/ })).toBeNull();
  });

  it('says beside the card what avoids all interest, and by when', async () => {
    draw(Card, world('?world=served'));
    expect(await screen.findByText(/^\$984\.60 by Nov 19 avoids all interest, payment plans included\./)).toBeTruthy();
  });

  it('says that autopay pays it too, and what becomes of that', async () => {
    draw(Card, world('?world=served'));
    await click('Pay the card');
    expect(await screen.findByText('Autopay pays $1,284.60 on Thu, Nov 19')).toBeTruthy();
    expect(screen.getByText('What you pay now is taken off it.')).toBeTruthy();
  });

  it('says nothing of an autopay that is paused', async () => {
    const on = world('?world=served');
    await on.ipc.commands.autopayPause({ card: 'account-card' }, true);
    draw(Card, on);
    await click('Pay the card');
    await screen.findByRole('button', { name: 'Pay $984.60' });
    expect(screen.queryByText(/^Autopay pays/)).toBeNull();
  });

  it('promises nothing offline: it is kept to be sent', async () => {
    const on = world('?world=served');
    const status = await on.ipc.commands.status();
    if (status.status !== 'ok') throw new Error('no status');
    on.desk.commands.status = () => ok({ ...status.data, online: false });
    draw(Card, on);
    await click('Pay the card');
    expect(await screen.findByRole('button', { name: 'Keep $984.60 to send' })).toBeTruthy();
    expect(screen.queryByText(/It counts/)).toBeNull();
  });

  it('pays nothing by Enter in a field, and leads to what is wrong', async () => {
    draw(Card, world('?world=served'));
    await click('Pay the card');
    await click(/Another amount/, 'radio');
    await click('Pay');
    const field = screen.getByLabelText('Amount') as HTMLInputElement;
    await waitFor(() => expect(document.activeElement).toBe(field));
    expect(field.form, 'a form would be sent by Enter').toBeNull();
  });

  it('asks once more about the amount that was refused, and about no other', async () => {
    const on = world('?world=served', { payBill: () => refused('possible_duplicate') });
    draw(Card, on);
    await click('Pay the card');
    await click('Pay $984.60');
    await screen.findByRole('button', { name: 'Pay $984.60 once more' });
    await click(/^Minimum due/, 'radio');
    await click('Pay $80.00');
    expect(on.commands.payBill).toHaveBeenLastCalledWith(expect.objectContaining({ amount: { minor: 8000, currency: 'USD' }, duplicate_meant: false }));
    await click('Pay $80.00 once more');
    expect(on.commands.payBill).toHaveBeenLastCalledWith(expect.objectContaining({ amount: { minor: 8000, currency: 'USD' }, duplicate_meant: true }));
  });

  it('asks for an amount that is one', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Pay the card');
    await click(/Another amount/, 'radio');
    await click('Pay');
    expect(on.commands.payBill).not.toHaveBeenCalled();
    await type('Amount', '25');
    await click('Pay $25.00');
    await waitFor(() => expect(on.commands.payBill).toHaveBeenCalledWith(expect.objectContaining({ amount: { minor: 2500, currency: 'USD' } })));
  });
});
