// The last cycles of one account as one row each: those that are here and those that are missing.
import type { AccountStatements, StatementRow } from '$lib/ipc/bindings';

export type Cycle = { closedOn: string; row: StatementRow | null };

/** Newest first. */
export function cyclesOf(account: AccountStatements): Cycle[] {
  const here = account.statements.map((row): Cycle => ({ closedOn: row.summary.closed_on, row }));
  const missing = account.gaps.map((closedOn): Cycle => ({ closedOn, row: null }));
  return [...here, ...missing].toSorted((a, b) => b.closedOn.localeCompare(a.closedOn));
}

/** The cycles of each year, newest year first. */
export function byYear(cycles: readonly Cycle[]): { year: string; cycles: Cycle[] }[] {
  const years: { year: string; cycles: Cycle[] }[] = [];
  for (const cycle of cycles) {
    const year = cycle.closedOn.slice(0, 4);
    const last = years.at(-1);
    if (last?.year === year) last.cycles.push(cycle);
    else years.push({ year, cycles: [cycle] });
  }
  return years;
}
