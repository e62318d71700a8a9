import { describe, expect, it } from 'vitest';
import { click, draw, screen, waitFor, world } from '$lib/test/draw';
import Card from './Card.svelte';

describe('paying a purchase over time', () => {
  it('says what each way asks for and what is at risk, and chooses one', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click(/Pay over time: Quillmere, .*Nov\u00a07/);
    expect(await screen.findByText('5 payments of $8.72 and a last one of $8.70')).toBeTruthy();
    expect(screen.getByText(/up to \$7\.30 interest since today is charged at once/)).toBeTruthy();
    await click(/No interest if paid within 12 months/, 'radio');
    await click('Choose this plan');
    await waitFor(() => expect(on.commands.planChoose).toHaveBeenCalledWith('purchase-5', { deferred_interest: { months: 12 } }));
    expect(await screen.findByText('on a payment plan')).toBeTruthy();
  });

  it('shows where a payment goes before it is ordered', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Pay the card');
    expect(await screen.findByText('Where it goes')).toBeTruthy();
    await click(/^Minimum due/, 'radio');
    await waitFor(() => expect(on.commands.cardShares).toHaveBeenLastCalledWith('account-card', { minor: 8000, currency: 'USD' }));
  });
});
