import { describe, expect, it } from 'vitest';
import { click, draw, fireEvent, ok, screen, waitFor, within, world } from '$lib/test/draw';
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
    expect(await screen.findByRole('button', { name: /Tern Harbor Checking ··2086/ }), 'as it is named elsewhere').toBeTruthy();
    expect(screen.queryByText('Minimum due')).toBeNull();
    expect(screen.getByText('10 of the last 12 are here, 1 not complete')).toBeTruthy();
    expect(document.querySelectorAll('.coverage .partial')).toHaveLength(1);
    expect(screen.getByText(/^Not complete: \S/), 'and those of which a part is missing').toBeTruthy();
    expect(screen.getByText('Statement balance').closest('dl')?.textContent).toContain('$1,284.60');
  });

  it('show the lines that lead from one balance to the other', async () => {
    draw(Statements, world());
    await fireEvent.click(await screen.findByText('Show 16 lines'));
    const rows = within(screen.getByRole('table', { name: 'Lines' })).getAllByRole('row').slice(1);
    const minor = rows.map((row) => Math.round(Number((row.lastElementChild?.textContent ?? '').replace('\u2212', '-').replace(/[$,]/g, '')) * 100));
    expect(minor).toHaveLength(16);
    expect(minor.reduce((a, b) => a + b, 0)).toBe(128460 - 140211);
  });

  it('say what paying only the minimum comes to', async () => {
    const on = world('?world=served');
    draw(Statements, on);
    expect(await screen.findByText(/If you pay only the minimum, this balance lasts about 8 years and costs \$3,018\.00 in all\./)).toBeTruthy();
    expect(screen.getByText(/With \$53\.10 each month it takes 3 years and \$1,912\.00: \$1,106\.00 less\./)).toBeTruthy();
  });

  it('opens the one that was asked for', async () => {
    draw(Statements, world(), { asked: 'account-card', closed: '2026-09-25' });
    const chosen = await screen.findByRole('button', { name: 'Sep\u00a025, 2026', current: true });
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
