import { describe, expect, it } from 'vitest';
import { click, draw, screen, type, waitFor, within, world } from '$lib/test/draw';
import Card from './Card.svelte';

describe('paying a card of the server', () => {
  it('offers the minimum, the statement and all of it, and orders what was chosen once', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Pay the card');
    const dialog = within(await screen.findByRole('dialog', { name: 'Pay Quillmere Card' }));
    for (const name of [/^Minimum due/, /^Statement balance/, /^Current balance/]) expect(await dialog.findByRole('radio', { name })).toBeTruthy();
    await click('Pay $1,284.60');
    await waitFor(() =>
      expect(on.commands.payBill).toHaveBeenCalledWith(
        expect.objectContaining({ bill: null, biller: 'account-card', amount: { minor: 128460, currency: 'USD' }, duplicate_meant: false }),
      ),
    );
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
