import { describe, expect, it, vi } from 'vitest';
import { click, draw, fireEvent, ok, refused, screen, type, waitFor, within, world } from '$lib/test/draw';
import { answer } from '$lib/ipc';
import { FIRST } from '$lib/state/pages.svelte';
import Wallets from './Wallets.svelte';

const usd = (minor: number) => ({ minor, currency: 'USD' });

describe('the wallet of a card', () => {
  it('says what is there and what moved', async () => {
    draw(Wallets, world('?world=served'));
    expect(await screen.findByText('$38.50')).toBeTruthy();
    const row = (await screen.findByRole('rowheader', { name: 'Reloaded from the card' })).closest('tr') as HTMLElement;
    expect(within(row).getByText('+$50.00')).toBeTruthy();
    const spent = screen.getByRole('rowheader', { name: 'Coffee beans' }).closest('tr') as HTMLElement;
    expect(within(spent).getByText('\u2212$11.50')).toBeTruthy();
  });

  it('says so where it could not be read', async () => {
    draw(Wallets, world('?world=served', { wallets: () => refused('cache_failed') }));
    expect(await screen.findByText('Wallets of your cards could not be read')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Read again' })).toBeTruthy();
  });

  it('reloads within the limits alone', async () => {
    const on = world('?world=served');
    draw(Wallets, on);
    await click('Reload');
    const dialog = await screen.findByRole('dialog', { name: 'Reload the wallet' });
    for (const wrong of ['4.99', '500.01', 'x']) {
      await type('Amount', wrong);
      await fireEvent.submit(dialog.querySelector('form') as HTMLFormElement);
    }
    expect(on.commands.walletReload).not.toHaveBeenCalled();
    await type('Amount', '25');
    await fireEvent.submit(dialog.querySelector('form') as HTMLFormElement);
    await waitFor(() => expect(on.commands.walletReload).toHaveBeenCalledWith('account-card', usd(2500), expect.any(String)));
    expect(await screen.findByText('$63.50')).toBeTruthy();
  });

  it('sends the same reload again after an answer that was lost', async () => {
    let asked = 0;
    const on = world('?world=served', { walletReload: () => (asked++ === 0 ? refused('answer_lost') : Promise.resolve({ status: 'ok', data: null })) });
    draw(Wallets, on);
    await click('Reload');
    const dialog = await screen.findByRole('dialog', { name: 'Reload the wallet' });
    await type('Amount', '25');
    await fireEvent.submit(dialog.querySelector('form') as HTMLFormElement);
    expect(await screen.findByText('No answer came: it may have been done.')).toBeTruthy();
    await fireEvent.submit(dialog.querySelector('form') as HTMLFormElement);
    await waitFor(() => expect(on.commands.walletReload).toHaveBeenCalledTimes(2));
    const ids = vi.mocked(on.commands.walletReload).mock.calls.map((call) => call[2]);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ids[1]).toBe(ids[0]);
  });

  it('pays from it first by the person’s own rule', async () => {
    const on = world('?world=served');
    draw(Wallets, on);
    await fireEvent.click(await screen.findByLabelText(/Pay each charge from the wallet first/));
    await waitFor(() => expect(on.commands.walletAtCheckout).toHaveBeenCalledWith('account-card', true));
  });

  it('is reloaded by itself on terms that are within the limits', async () => {
    const on = world('?world=served');
    draw(Wallets, on);
    await click('Set it up');
    const dialog = await screen.findByRole('dialog', { name: 'Automatic reload' });
    const submit = () => fireEvent.submit(dialog.querySelector('form') as HTMLFormElement);
    await type('When there is less than', '20');
    await type('In a month at most', '200');
    for (const wrong of ['', '4.99', '19.99', '500.01']) {
      await type('Reload with', wrong);
      await submit();
    }
    await type('Reload with', '50');
    for (const wrong of ['49.99', '2000.01']) {
      await type('In a month at most', wrong);
      await submit();
    }
    expect(on.commands.walletAutoReload).not.toHaveBeenCalled();
    await type('In a month at most', '200');
    await submit();
    await waitFor(() => expect(on.commands.walletAutoReload).toHaveBeenCalledWith('account-card', { below: usd(2000), amount: usd(5000), month_most: usd(20000) }));
    expect(await screen.findByText('$50.00 when there is less than $20.00, at most $200.00 a month')).toBeTruthy();
  });

  it('says why it was reloaded and why it was not, and is turned off in one step', async () => {
    const on = world('?world=frozen');
    draw(Wallets, on);
    expect(await screen.findByRole('rowheader', { name: 'Reloaded by itself: $18.50 was less than $20.00' })).toBeTruthy();
    expect(screen.getByText('Reserved for purchases').nextElementSibling?.textContent).toBe('$11.50');
    expect(screen.getByText(/The card was frozen\. It is looked at again from/)).toBeTruthy();
    await click('Turn off');
    await waitFor(() => expect(on.commands.walletAutoReloadOff).toHaveBeenCalledWith('account-card'));
    await waitFor(() => expect(screen.queryByText('Turn off')).toBeNull());
  });

  it('offers nothing of a card that is over, and says why', async () => {
    const on = world('?world=served');
    const [one] = await answer(on.commands.wallets());
    vi.mocked(on.commands.wallets).mockResolvedValue({ status: 'ok', data: [{ ...one!, status: 'lost', reload_least: null, reload_most: null, no_reload: 'card_over' }] });
    draw(Wallets, on);
    expect(await screen.findByText(/The card is lost or closed/)).toBeTruthy();
    expect(screen.queryByRole('button')).toBeNull();
    expect(screen.queryByRole('checkbox')).toBeNull();
  });

  it('says of a frozen card why it cannot be reloaded', async () => {
    draw(Wallets, world('?world=frozen'));
    expect(await screen.findByText('The card is frozen: unfreeze it before you reload.')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Reload' }).hasAttribute('disabled')).toBe(true);
  });

  it('shows the newest moves, and every other when more are asked for', async () => {
    const [one] = (await answer(world('?world=served').commands.walletMoves('account-card', FIRST))).items;
    const all = Array.from({ length: 120 }, (_, at) => ({ ...one!, id: `moved-${at}`, description: `Purchase ${at}` }));
    const on = world('?world=served', {
      walletMoves: (_, { limit, after }) => {
        const start = Number(after ?? 0);
        const end = start + (limit ?? 50);
        return ok({ items: all.slice(start, end), next: end < all.length ? String(end) : null });
      },
    });
    draw(Wallets, on);
    expect(await screen.findByRole('table', { name: '50 moves of the wallet, newest first' })).toBeTruthy();
    await click('Show more');
    await screen.findByRole('table', { name: '100 moves of the wallet, newest first' });
    await click('Show more');
    await screen.findByRole('table', { name: '120 moves of the wallet, newest first' });
    expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
    await on.desk.changed();
    expect(screen.getByRole('table', { name: '120 moves of the wallet, newest first' })).toBeTruthy();
  });

  it('is not there where no card of the server is', async () => {
    draw(Wallets, world());
    await new Promise((done) => setTimeout(done, 20));
    expect(screen.queryByRole('heading')).toBeNull();
  });
});
