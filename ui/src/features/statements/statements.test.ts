import { describe, expect, it } from 'vitest';
import { draw, screen, within, world } from '$lib/test/draw';
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
});
