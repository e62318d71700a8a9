import { describe, expect, it, vi } from 'vitest';
import { click, draw, fireEvent, ok, screen, type, waitFor, within, world } from '$lib/test/draw';
import { answer } from '$lib/ipc';
import { FIRST } from '$lib/state/pages.svelte';
import Card from './Card.svelte';
import FreezeDialog from './FreezeDialog.svelte';

describe('a card of the server', () => {
  it('is frozen at once and says so over the screen', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Freeze');
    await waitFor(() => expect(on.commands.cardStatus).toHaveBeenCalledWith('account-card', 'frozen'));
    expect(await screen.findByText(/^Frozen since .* New purchases are declined\.$/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Link a merchant' })).toBeNull();
    await click('Unfreeze');
    await waitFor(() => expect(on.commands.cardStatus).toHaveBeenLastCalledWith('account-card', 'active'));
  });

  it('is frozen from anywhere, once it was asked', async () => {
    const on = world('?world=served');
    draw(FreezeDialog, on);
    await screen.findByRole('dialog', { name: /^Freeze .*\?$/ });
    expect(on.commands.cardStatus).not.toHaveBeenCalled();
    await click('Freeze');
    await waitFor(() => expect(on.commands.cardStatus).toHaveBeenCalledExactlyOnceWith('account-card', 'frozen'));
    expect(on.desk.toasts.map((toast) => toast.text)).toEqual(['The card is frozen']);
  });

  it('says so when there is none to freeze', async () => {
    const on = world();
    draw(FreezeDialog, on);
    expect(await screen.findByText(/no active card of this server/)).toBeTruthy();
    expect(on.commands.cardStatus).not.toHaveBeenCalled();
  });

  it('is not frozen while the server does not answer, and says why', async () => {
    const on = world('?world=served');
    const status = await on.commands.status();
    if (status.status === 'ok') on.commands.status = () => ok({ ...status.data, online: false });
    draw(Card, on);
    expect(await screen.findByText(/^Freezing needs a connection/)).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Freeze' }).hasAttribute('disabled')).toBe(true);
  });

  it('waits for the passkey where the server asks for one', async () => {
    const address = 'https://accounts.example.org/sign-in/step-up/open';
    const on = world('?world=frozen', { cardStatus: () => ok({ address, browser_opened: false }) });
    draw(Card, on);
    await click('Unfreeze');
    expect(await screen.findByText(address)).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Unfreeze' })).toBeTruthy();
  });

  it('is reported lost only after a second word', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Report lost');
    expect(on.commands.cardStatus).not.toHaveBeenCalled();
    await click('Report it lost');
    await waitFor(() => expect(on.commands.cardStatus).toHaveBeenCalledWith('account-card', 'lost'));
    expect(await screen.findByText(/It takes no purchases any more\./)).toBeTruthy();
  });

  it('moves its credit to where it can be used, and says nothing where there is none', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await screen.findByRole('button', { name: 'Freeze' });
    expect(screen.queryByText(/You are in credit/)).toBeNull();
    const cards = await on.commands.cards();
    if (cards.status !== 'ok') throw new Error('no cards');
    const inCredit = cards.data.map((card) => ({ ...card, account: { ...card.account, balance: { minor: 20_000, currency: 'USD' } } }));
    const other = world('?world=served', { cards: () => ok(inCredit), cardCredit: () => ok({ minor: 15_000, currency: 'USD' }) });
    draw(Card, other);
    expect(await screen.findByText('You are in credit by $200.00 here')).toBeTruthy();
    await click('To the account you pay from');
    await waitFor(() => expect(other.commands.cardCredit).toHaveBeenCalledExactlyOnceWith('account-card', null));
    expect(other.desk.toasts.map((toast) => toast.text)).toEqual(['$150.00 moved']);
  });

  it('says what of a purchase the wallet paid', async () => {
    const on = world('?world=served');
    const all = (await answer(on.commands.cardPurchases('account-card', FIRST))).items;
    const items = all.map((one) => (one.captured.minor > 0 ? { ...one, captured: { minor: 10000, currency: 'USD' }, captured_by_wallet: { minor: 6000, currency: 'USD' } } : one));
    vi.mocked(on.commands.cardPurchases).mockResolvedValue({ status: 'ok', data: { items, next: null } });
    draw(Card, on);
    expect((await screen.findAllByText('$40.00 on the card, $60.00 from the wallet')).length).toBeGreaterThan(0);
  });

  it('lists what is still held where it is reported lost, to be disputed there', async () => {
    draw(Card, world('?world=served'));
    await click('Report lost');
    const dialog = within(await screen.findByRole('dialog', { name: /^Report .* lost$/ }));
    expect(dialog.getByText(/^\$64\.90 that is held until .* can still be charged\.$/)).toBeTruthy();
    await fireEvent.click(dialog.getAllByRole('button', { name: 'It was not me: Quillmere' })[0] as HTMLElement);
    expect(await screen.findByRole('dialog', { name: 'What is wrong with this charge?' })).toBeTruthy();
  });

  it('says that an unlinked merchant can still charge what it holds', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Unlink Quillmere');
    const dialog = within(await screen.findByRole('dialog', { name: 'Unlink Quillmere?' }));
    expect(dialog.getByText(/\$64\.90 that is held until .* can still be charged\./)).toBeTruthy();
    await fireEvent.click(dialog.getByRole('button', { name: 'Unlink' }));
    await waitFor(() => expect(on.desk.toasts.map((toast) => toast.text)).toEqual(['Quillmere is unlinked and can ask for nothing new']));
  });

  it('shows why a purchase was declined and how far the others have come', async () => {
    draw(Card, world('?world=served'));
    const table = within(await screen.findByRole('table', { name: 'Purchases on this card, newest first' }));
    expect(table.getByText('It was more than the credit that was left.')).toBeTruthy();
    expect(table.getAllByText('Pending')).toHaveLength(2);
    expect(table.getByText('$31.99 refunded')).toBeTruthy();
    expect(table.getByText('Given back, nothing charged')).toBeTruthy();
  });

  it('disputes a purchase that was not the person’s, and freezes the card', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Dispute the purchase at Quillmere on Sat, Nov\u00a07');
    expect(on.commands.disputeOpen).not.toHaveBeenCalled();
    await click('Dispute it');
    await waitFor(() => expect(on.commands.disputeOpen).toHaveBeenCalledWith({ purchase: 'purchase-5', reason: 'not_mine', words: '', amount: null }));
    expect(await screen.findByText('Disputed', { selector: '.rows *' })).toBeTruthy();
    expect(await screen.findByText(/^Frozen since/)).toBeTruthy();
  });

  it('disputes a part of a charge for another reason, in the person’s words', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Dispute the purchase at Quillmere on Sat, Nov\u00a07');
    await click('The amount is wrong', 'radio');
    await type('How much of it is wrong', '60');
    await click('Dispute it');
    expect(await screen.findByText(/not above \$52.30/)).toBeTruthy();
    await type('How much of it is wrong', '10');
    await type('In your words', 'The price was lower');
    await click('Dispute it');
    await waitFor(() => expect(on.commands.disputeOpen).toHaveBeenCalledWith({ purchase: 'purchase-5', reason: 'wrong_amount', words: 'The price was lower', amount: { minor: 1000, currency: 'USD' } }));
    expect(screen.queryByText(/^Frozen since/)).toBeNull();
  });

  it('disputes what the wallet paid, and says where that is given back', async () => {
    const on = world('?world=served');
    const bought = await on.commands.cardPurchases('account-card', FIRST);
    if (bought.status !== 'ok') throw new Error('no purchases');
    const one = bought.data.items.find((known) => known.captured.minor > 0)!;
    const paid = { ...one, held: { ...one.held, minor: 0 }, disputed_at: null, disputable: { ...one.amount, minor: 0 }, disputable_of_wallet: one.captured };
    draw(Card, world('?world=served', { cardPurchases: () => ok({ items: [paid], next: null }) }));
    await click(/^Dispute the purchase at/);
    expect(await screen.findByText(/What your wallet pays of it is given back on the card\./)).toBeTruthy();
  });

  it('asks only whether a purchase was the person’s as long as nothing of it was charged', async () => {
    draw(Card, world('?world=served'));
    await click('Dispute the purchase at Quillmere on Wed, Nov\u00a011');
    const dialog = within(await screen.findByRole('dialog', { name: 'What is wrong with this charge?' }));
    expect(dialog.getByText('It was not me')).toBeTruthy();
    expect(dialog.queryAllByRole('radio')).toEqual([]);
  });

  it('says how far each dispute has come, and takes one back after a second word', async () => {
    const on = world('?world=served');
    draw(Card, on);
    const list = (await screen.findByRole('heading', { name: 'Disputes' })).closest('section') as HTMLElement;
    expect(within(list).getByText(/\$36.50 given back for now. Decided by .*Jan 25/)).toBeTruthy();
    expect(within(list).getByText('The reason: The till shows one sale')).toBeTruthy();
    const firsts = within(list).getAllByRole('listitem').map((row) => row.querySelector('.line-1')?.textContent);
    expect(firsts, 'every amount ends its own first line, whatever state or button the row has').toEqual(['Tidewater Books$36.50', 'Quillmere$44.15']);
    await click('Take back the dispute with Tidewater Books');
    expect(on.commands.disputeWithdraw).not.toHaveBeenCalled();
    await click('Take back');
    await waitFor(() => expect(on.commands.disputeWithdraw).toHaveBeenCalledWith('dispute-1'));
    expect(await screen.findByText('Taken back')).toBeTruthy();
  });

  it('offers to pay over time only where that is possible', async () => {
    draw(Card, world('?world=served'));
    await screen.findByRole('table', { name: 'Purchases on this card, newest first' });
    const offered = screen.getAllByRole('button', { name: /^Pay over time/ }).map((button) => button.getAttribute('aria-label'));
    expect(offered).toEqual([expect.stringMatching(/Nov\u00a012/), expect.stringMatching(/Nov\u00a07/), expect.stringMatching(/Nov\u00a02/)]);
  });

  it('shows a merchant’s code once, and ends what it got', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('Link a merchant');
    await click('Make a code');
    expect(await screen.findByText('Q7KM-4TZD-N2PA')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Make a code' })).toBeNull();
    await click('Unlink Tidewater Books');
    expect(on.commands.cardUnlink).not.toHaveBeenCalled();
    await click('Unlink');
    await waitFor(() => expect(on.commands.cardUnlink).toHaveBeenCalledWith('account-card', 'merchant-2'));
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Unlink Tidewater Books' })).toBeNull());
  });

  it('is opened on a server of one’s own with a limit and a closing day', async () => {
    const on = world();
    draw(Card, on);
    await click('Open a practice card');
    await click('Open the card');
    expect(await screen.findByText(/Type an amount/)).toBeTruthy();
    await type('Credit limit', '1500');
    await type('Closing day of the month', '29');
    await click('Open the card');
    expect(await screen.findByText('A day from 1 to 28.')).toBeTruthy();
    await type('Closing day of the month', '20');
    await click('Open the card');
    await waitFor(() => expect(on.commands.cardOpen).toHaveBeenCalledWith({ name: 'Practice card', limit: { minor: 150000, currency: 'USD' }, closing_day: 20 }));
  });

  it('is not opened by people on a server for others', async () => {
    draw(Card, world('?world=server'));
    await screen.findByText('Quillmere Home, returned');
    expect(screen.queryByRole('button', { name: 'Open a practice card' })).toBeNull();
  });
});
