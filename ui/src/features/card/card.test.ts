import { describe, expect, it } from 'vitest';
import { click, draw, screen, type, waitFor, within, world } from '$lib/test/draw';
import Card from './Card.svelte';

describe('the card', () => {
  it('names itself in the bar while it stands', async () => {
    const on = world();
    const { unmount } = draw(Card, on);
    await waitFor(() => expect(on.desk.subject).toBe('Quillmere Card ··4417'));
    unmount();
    expect(on.desk.subject).toBe('');
  });

  it('never calls unused credit a balance', async () => {
    draw(Card, world());
    expect(await screen.findByText('Credit you have not used:')).toBeTruthy();
    const balances = document.querySelector('dl.balances');
    expect(balances?.textContent).not.toContain('$2,433.66');
  });

  it('shows a purchase plain and a credit with a minus', async () => {
    draw(Card, world());
    const refund = (await screen.findByText('Quillmere Home, returned')).closest('tr') as HTMLElement;
    expect(within(refund).getByText('\u2212$31.99')).toBeTruthy();
  });

  it('says that what stands with a card is owed', async () => {
    draw(Card, world());
    const rows = async (name: string) => (await screen.findByRole('button', { name })).closest('tr') as HTMLElement;
    expect(within(await rows('Quillmere Card ··4417')).getByText('owed')).toBeTruthy();
    expect(within(await rows('Tern Harbor Checking ··2086')).queryByText('owed')).toBeNull();
  });

  it('begins with what came since the statement, whose sum is the difference of the balances', async () => {
    const on = world();
    draw(Card, on);
    const foot = (await screen.findByRole('rowheader', { name: 'Posted since the statement' })).closest('tr') as HTMLElement;
    // $1,463.24 owed now, $1,284.60 at the closing.
    expect(within(foot).getByText('$178.64')).toBeTruthy();
    const lines = () => [...(screen.queryByRole('table', { name: 'Transactions, newest first' })?.querySelectorAll('tbody tr') ?? [])];
    expect(lines()).toHaveLength(7);
    await click('Pending 2');
    await waitFor(() => expect(lines()).toHaveLength(2));
    expect(screen.queryByRole('rowheader', { name: 'Posted since the statement' })).toBeNull();
    await click('Last statement');
    await waitFor(() => expect(on.commands.transactions).toHaveBeenLastCalledWith(expect.objectContaining({ since: '2026-09-26', until: '2026-10-25' })));
  });

  it('begins anew after a statement that closes while it is shown', async () => {
    const on = world();
    const { cards } = on.ipc.commands;
    draw(Card, on);
    await waitFor(() => expect(on.commands.transactions).toHaveBeenLastCalledWith(expect.objectContaining({ since: '2026-10-26' })));
    on.desk.commands.cards = async () => {
      const all = await cards();
      return all.status === 'ok' ? { ...all, data: all.data.map((one) => ({ ...one, figures: { ...one.figures, closed_on: '2026-11-05' } })) } : all;
    };
    await on.desk.changed();
    await waitFor(() => expect(on.commands.transactions).toHaveBeenLastCalledWith(expect.objectContaining({ since: '2026-11-06' })));
  });

  it('searches its transactions and shows more of them page by page', async () => {
    const on = world();
    draw(Card, on);
    await screen.findByText('Quillmere Home, returned');
    const lines = () => screen.queryByRole('table', { name: 'Transactions, newest first' })?.querySelectorAll('tbody tr').length ?? 0;
    await click('All');
    await screen.findByRole('button', { name: 'Show more' });
    const before = lines();
    await click('Show more');
    await waitFor(() => expect(lines()).toBeGreaterThan(before));
    await type('Search these transactions', 'returned');
    await waitFor(() => expect(on.commands.transactions).toHaveBeenLastCalledWith(expect.objectContaining({ search: 'returned', after: null })));
    await waitFor(() => expect(lines()).toBe(1));
    await type('Search these transactions', 'unicorn');
    expect(await screen.findByText('No transaction has these words.')).toBeTruthy();
  });

  it('keeps the terms that were typed', async () => {
    const on = world();
    draw(Card, on);
    await click('Closing day and terms');
    await type('Closing day of the month', '0');
    await click('Save terms');
    expect(await screen.findByText('A day from 1 to 31.')).toBeTruthy();
    await type('Closing day of the month', '20');
    await click('Save terms');
    await waitFor(() => expect(on.commands.cardTerms).toHaveBeenCalledWith('account-card', expect.objectContaining({ closing_day: 20 })));
  });

  it('says how to bring a card in when there is none', async () => {
    draw(Card, world('?world=empty'));
    expect(await screen.findByRole('heading', { name: 'No card here' })).toBeTruthy();
  });
});
