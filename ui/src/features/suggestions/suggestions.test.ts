import { describe, expect, it } from 'vitest';
import { click, draw, fireEvent, refused, screen, waitFor, within, world } from '$lib/test/draw';
import Suggestions from './Suggestions.svelte';

describe('bills found in transactions', () => {
  it('shows each with how sure it is and the lines it was found in', async () => {
    draw(Suggestions, world());
    const panel = (await screen.findByRole('heading', { name: 'Saltmarsh Cloud' })).closest('section') as HTMLElement;
    expect(within(panel).getByText('96% sure')).toBeTruthy();
    expect(within(panel).getByText(/Each month, next Thu, Dec 3/)).toBeTruthy();
    await fireEvent.click(within(panel).getByText('Found in 7 lines, the latest 4 shown'));
    const table = within(panel).getByRole('table', { name: 'Lines of Saltmarsh Cloud' });
    expect(within(table).getAllByRole('row')).toHaveLength(5);
    expect(screen.getByText('Found in 4 lines, the latest 3 shown, 1 date without one')).toBeTruthy();
  });

  it('adds one in a single step', async () => {
    const on = world();
    draw(Suggestions, on);
    await click('Add bill Saltmarsh Cloud');
    await waitFor(() => expect(screen.queryByRole('heading', { name: 'Saltmarsh Cloud' })).toBeNull());
    expect(on.commands.suggestionAccept).toHaveBeenCalledWith('suggestion-cloud');
    const bills = await on.desk.commands.bills();
    expect(bills.status === 'ok' && bills.data.bills.some((view) => view.bill.origin === 'suggestion-cloud')).toBe(true);
  });

  it('dismisses one, and takes that back from the toast', async () => {
    const on = world();
    draw(Suggestions, on);
    await click('Not a bill Greywater Heating');
    await waitFor(() => expect(screen.queryByRole('heading', { name: 'Greywater Heating' })).toBeNull());
    on.desk.toasts.at(-1)?.undo?.();
    expect(await screen.findByRole('heading', { name: 'Greywater Heating' })).toBeTruthy();
  });

  it('says why one could not be added and keeps it', async () => {
    draw(Suggestions, world('', { suggestionAccept: () => refused('too_many') }));
    await click('Add bill Saltmarsh Cloud');
    expect(await screen.findByText('too_many', { exact: false })).toBeTruthy();
    expect(screen.getByRole('heading', { name: 'Saltmarsh Cloud' })).toBeTruthy();
  });

  it('says when there is nothing', async () => {
    draw(Suggestions, world('?world=empty'));
    expect(await screen.findByRole('heading', { name: 'Nothing new was found' })).toBeTruthy();
  });
});
