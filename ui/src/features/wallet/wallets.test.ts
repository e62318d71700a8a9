import { describe, expect, it } from 'vitest';
import { click, draw, fireEvent, screen, type, waitFor, within, world } from '$lib/test/draw';
import Wallets from './Wallets.svelte';

const usd = (minor: number) => ({ minor, currency: 'USD' });

describe('the wallet of a card', () => {
  it('says what is there and what moved', async () => {
    draw(Wallets, world('?world=served'));
    expect(await screen.findByText('$38.50')).toBeTruthy();
    const row = screen.getByRole('rowheader', { name: 'Reloaded from the card' }).closest('tr') as HTMLElement;
    expect(within(row).getByText('$50.00')).toBeTruthy();
    expect(screen.getByRole('rowheader', { name: 'Coffee beans' })).toBeTruthy();
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
    await waitFor(() => expect(on.commands.walletReload).toHaveBeenCalledWith('account-card', usd(2500)));
    expect(await screen.findByText('$63.50')).toBeTruthy();
  });

  it('pays from it first by the person’s own rule', async () => {
    const on = world('?world=served');
    draw(Wallets, on);
    await fireEvent.click(await screen.findByLabelText(/Pay each charge from the wallet first/));
    await waitFor(() => expect(on.commands.walletAtCheckout).toHaveBeenCalledWith('account-card', true));
  });

  it('is not there where no card of the server is', async () => {
    draw(Wallets, world());
    await new Promise((done) => setTimeout(done, 20));
    expect(screen.queryByRole('heading')).toBeNull();
  });
});
