import { describe, expect, it } from 'vitest';
import { click, draw, ok, screen, waitFor, within, world } from '$lib/test/draw';
import Statements from './Statements.svelte';

/** What stands beside a word of the chosen statement. */
async function beside(word: string): Promise<string> {
  const sheet = (await screen.findByText(/^No\. 8,/)).closest('.sheet') as HTMLElement;
  const term = within(sheet).getAllByText(word)[0] as HTMLElement;
  return term.parentElement?.querySelector('dd')?.textContent?.trim() ?? '';
}

describe('statements', () => {
  it('of a card of the server say their number, their sums and what they ask for', async () => {
    draw(Statements, world('?world=served'));
    expect(await beside('Opening balance')).toBe('$1,185.20');
    expect(await beside('Payments')).toBe('\u2212$10.00');
    expect(await beside('Purchases')).toBe('+$85.23');
    expect(await beside('Interest')).toBe('+$27.16');
    expect(await beside('Fees')).toBe('+$29.00');
    expect(await beside('Minimum due')).toBe('$90.05');
    expect(await beside('Of the minimum, past due')).toBe('$21.02');
    expect(screen.getByText('No gaps')).toBeTruthy();
  });

  it('of a linked card name the cycles that are missing', async () => {
    draw(Statements, world());
    expect(await screen.findByText(/2 gaps:/)).toBeTruthy();
    expect(screen.queryByText('Minimum due')).toBeNull();
  });

  it('opens the one that was asked for', async () => {
    draw(Statements, world(), { asked: 'account-card', closed: '2026-09-25' });
    const chosen = await screen.findByRole('button', { name: 'Sep 25, 2026', current: true });
    expect(chosen).toBeTruthy();
  });

  it('are saved all at once, and say how many', async () => {
    const on = world();
    draw(Statements, on);
    await click(/^Save all \d+$/);
    await waitFor(() => expect(on.commands.statementsSaveAll).toHaveBeenCalledExactlyOnceWith('account-card'));
    await waitFor(() => expect(on.desk.toasts.at(-1)?.text).toMatch(/^\d+ statements saved$/));
  });

  it('say which part of them could not be saved', async () => {
    const on = world('', { statementsSaveAll: () => ok({ saved: 8, left: ['2026-02-25', '2026-03-25'] }) });
    draw(Statements, on);
    await click(/^Save all/);
    await waitFor(() => expect(on.desk.toasts.at(-1)?.text).toBe('8 statements saved; 2 are on the server, which cannot be asked now'));
  });
});
