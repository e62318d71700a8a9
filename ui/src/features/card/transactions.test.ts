import { describe, expect, it } from 'vitest';
import { ok, world } from '$lib/test/draw';
import type { TransactionView } from '$lib/ipc/bindings';
import { ALL, TransactionList } from './transactions.svelte';

/** An account of so many lines, newest first, of which the oldest is pending. */
function listOf(count: number, span = ALL) {
  const lines = Array.from({ length: count }, (_, at): TransactionView => ({
    id: `line-${at}`,
    account: 'account-card',
    posted_on: '2026-11-01',
    amount: { minor: -100, currency: 'USD' },
    description: `Line ${at}`,
    memo: null,
    kind: 'purchase',
    state: at === count - 1 ? 'pending' : 'posted',
  }));
  const on = world('', {
    transactions: ({ limit, after }) => {
      const start = Number(after ?? 0);
      const end = start + (limit ?? 50);
      return ok({ items: lines.slice(start, end), next: end < lines.length ? String(end) : null });
    },
  });
  return { list: new TransactionList(on.commands, 'account-card', span), on };
}

describe('transactions page by page', () => {
  it('keep all that is shown when something changes', async () => {
    const { list, on } = listOf(700);
    await list.again();
    for (let shown = 50; shown < 600; shown += 50) await list.more();
    expect(list.items).toHaveLength(600);
    await list.again();
    expect(list.items).toHaveLength(600);
    expect(new Set(list.items?.map((line) => line.id)).size).toBe(600);
    expect(list.next).toBe('600');
    expect(on.commands.transactions).toHaveBeenLastCalledWith(expect.objectContaining({ limit: 100, after: '500' }));
  });

  it('find a pending line behind very many others', async () => {
    const { list } = listOf(1_201, { ...ALL, pending: true });
    await list.again();
    expect(list.items?.map((line) => line.id)).toEqual(['line-1200']);
    expect(list.next).toBeNull();
  });
});
