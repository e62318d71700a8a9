import { describe, expect, it } from 'vitest';
import { click, draw, ok, screen, type, waitFor, within, world } from '$lib/test/draw';
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

  it('shows why a purchase was declined and how far the others have come', async () => {
    draw(Card, world('?world=served'));
    const table = within(await screen.findByRole('table', { name: 'Purchases on this card, newest first' }));
    expect(table.getByText('It was more than the credit that was left.')).toBeTruthy();
    expect(table.getAllByText('Pending')).toHaveLength(2);
    expect(table.getByText('$31.99 refunded')).toBeTruthy();
    expect(table.getByText('Given back, nothing charged')).toBeTruthy();
  });

  it('asks “was this you?” about a purchase, and a no freezes the card', async () => {
    const on = world('?world=served');
    draw(Card, on);
    await click('The purchase at Quillmere on Wed, Nov 11 was not me');
    expect(on.commands.purchaseDispute).not.toHaveBeenCalled();
    await click('It was not me');
    await waitFor(() => expect(on.commands.purchaseDispute).toHaveBeenCalledWith('purchase-1'));
    expect(await screen.findByText('Disputed')).toBeTruthy();
    expect(await screen.findByText(/^Frozen since/)).toBeTruthy();
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
