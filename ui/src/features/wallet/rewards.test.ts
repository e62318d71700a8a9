import { describe, expect, it, vi } from 'vitest';
import { click, draw, fireEvent, screen, type, waitFor, within, world } from '$lib/test/draw';
import { answer } from '$lib/ipc';
import Rewards from './Rewards.svelte';

const usd = (minor: number) => ({ minor, currency: 'USD' });

describe('rewards', () => {
  it('ties each to the charge that earned it and says how it stands', async () => {
    draw(Rewards, world('?world=served'));
    const row = (await screen.findByRole('rowheader', { name: /Two oak shelves/ })).closest('tr') as HTMLElement;
    expect(within(row).getByText(/Pending until/)).toBeTruthy();
    expect(screen.getByText(/\$2.10 of it expires soon/)).toBeTruthy();
    expect(screen.getByText('Taken back')).toBeTruthy();
  });

  it('uses no more than may be used now', async () => {
    const on = world('?world=served');
    draw(Rewards, on);
    await click('Use rewards');
    const dialog = await screen.findByRole('dialog', { name: 'Use rewards' });
    await type('Amount', '99');
    await fireEvent.submit(dialog.querySelector('form') as HTMLFormElement);
    expect(on.commands.rewardsUse).not.toHaveBeenCalled();
    await type('Amount', '5');
    await fireEvent.submit(dialog.querySelector('form') as HTMLFormElement);
    await waitFor(() => expect(on.commands.rewardsUse).toHaveBeenCalledWith('account-card', usd(500), expect.any(String)));
  });

  it('lets each charge use them by the person’s own rule', async () => {
    const on = world('?world=served');
    draw(Rewards, on);
    await fireEvent.click(await screen.findByLabelText(/Use what is available at each charge/));
    await waitFor(() => expect(on.commands.rewardsAtCheckout).toHaveBeenCalledWith('account-card', true));
  });

  it('has no rule for charges of a card that is over', async () => {
    const on = world('?world=served');
    const all = await answer(on.commands.rewards());
    vi.mocked(on.commands.rewards).mockResolvedValue({ status: 'ok', data: all.map((one) => ({ ...one, status: 'closed' as const })) });
    draw(Rewards, on);
    expect(await screen.findByText(/it earns nothing more/)).toBeTruthy();
    expect(screen.queryByRole('checkbox')).toBeNull();
  });

  it('says how many are shown where there are more', async () => {
    const on = world('?world=served');
    const all = await answer(on.commands.rewards());
    vi.mocked(on.commands.rewards).mockResolvedValue({ status: 'ok', data: all.map((one) => ({ ...one, items_count: 250 })) });
    draw(Rewards, on);
    expect(await screen.findByText('4 of 250 are shown.')).toBeTruthy();
  });

  it('is not there where no card earns', async () => {
    draw(Rewards, world());
    await new Promise((done) => setTimeout(done, 20));
    expect(screen.queryByRole('heading')).toBeNull();
  });
});
