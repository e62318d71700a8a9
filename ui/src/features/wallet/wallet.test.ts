import { describe, expect, it } from 'vitest';
import { click, draw, ok, refused, screen, waitFor, within, world } from '$lib/test/draw';
import Wallet from './Wallet.svelte';

describe('the wallet', () => {
  it('says how good each method is and which payments would fail with it', async () => {
    draw(Wallet, world());
    const row = (await screen.findByText('Heron ··4471', { selector: 'p' })).closest('li') as HTMLElement;
    expect(within(row).getByText('Expires on Nov 30, 2026')).toBeTruthy();
    expect(within(row).getByText('1 payment would fail')).toBeTruthy();
    expect(within(row).getByRole('link', { name: /Brightwater car loan/ }).getAttribute('href')).toBe('/payments?payment=payment-loan');
    const other = screen.getByText('Harbor Practice Bank ··5678').closest('li') as HTMLElement;
    expect(within(other).queryByText(/would fail/)).toBeNull();
  });

  it('sends the person to the browser for a number and asks for none itself', async () => {
    const on = world();
    draw(Wallet, on);
    await click('Add a card');
    expect(await screen.findByText('Type the number in your browser')).toBeTruthy();
    expect(on.commands.methodAdd).toHaveBeenCalledWith('card');
    expect(screen.queryByRole('textbox')).toBeNull();
  });

  it('replaces a method everywhere in one step', async () => {
    const on = world();
    draw(Wallet, on);
    await click(/Replace it everywhere/);
    const dialog = await screen.findByRole('dialog', { name: 'Replace Heron ··4471' });
    expect(within(dialog).getByRole('combobox', { name: 'Leave from' })).toBeTruthy();
    await click('Replace everywhere');
    await waitFor(() => expect(screen.queryByText(/Heron ··4471/)).toBeNull());
    expect(on.commands.methodReplace).toHaveBeenCalledWith('method-heron', 'method-harbor');
  });

  it('shows the address when a passkey is asked for and no browser opens', async () => {
    const visit = { address: 'http://localhost:8470/sign-in/step-up/open?secret=Wm7', browser_opened: false };
    const on = world('', { methodReplace: () => ok({ done: null, visit }) });
    draw(Wallet, on);
    await click(/Replace it everywhere/);
    await click('Replace everywhere');
    expect(await screen.findByText(visit.address)).toBeTruthy();
  });

  it('removes a method only after a second word, and says why the server refuses', async () => {
    const on = world('', { methodRemove: () => refused('method_in_use') });
    draw(Wallet, on);
    await click('More for Heron ··4471');
    await click('Remove', 'menuitem');
    expect(on.commands.methodRemove).not.toHaveBeenCalled();
    const dialog = await screen.findByRole('dialog', { name: 'Remove Heron ··4471?' });
    await click('Remove payment method');
    await waitFor(() => expect(on.commands.methodRemove).toHaveBeenCalledExactlyOnceWith('method-heron'));
    expect(await within(dialog).findByText('Payments leave from this method.')).toBeTruthy();
  });

  it('explains itself when there is none', async () => {
    draw(Wallet, world('?world=empty'));
    expect(await screen.findByRole('heading', { name: 'No payment methods' })).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Add a bank account' })).toBeTruthy();
  });
});
