// Due dates in the order in which they need the person. Pure: what is late, near, later, settled.
import { addMonths, sumByCurrency } from '$lib/format';
import type { BillView, BillsView, Money, OccurrenceView } from '$lib/ipc/bindings';
import { isOnTheWay, needsYou, SOON_DAYS } from '$lib/state/standing';

export type Show = 'all' | 'needs' | 'way' | 'settled';
export type Row = { key: string; view: BillView; one: OccurrenceView | null; dueOn: string | null; fallsOn: string | null };
export type GroupName = 'late' | 'next7' | 'month' | 'further' | 'ended' | 'paused' | 'settled';
export type Group = { name: GroupName; rows: Row[]; total: Money[] };

const order: readonly GroupName[] = ['late', 'next7', 'month', 'further', 'paused', 'settled', 'ended'];

export function rowKey(bill: string, dueOn: string | null): string {
  return `${bill} ${dueOn ?? ''}`;
}

/** Every due date in reach, and every bill that has none there. */
export function rowsOf(view: BillsView): Row[] {
  const bills = new Map(view.bills.map((one) => [one.bill.id, one]));
  const rows: Row[] = [];
  const reached = new Set<string>();
  for (const one of view.occurrences) {
    const bill = bills.get(one.bill);
    if (!bill) continue;
    reached.add(one.bill);
    rows.push({ key: rowKey(one.bill, one.due_on), view: bill, one, dueOn: one.due_on, fallsOn: one.falls_on });
  }
  for (const bill of view.bills) {
    if (reached.has(bill.bill.id)) continue;
    rows.push({ key: rowKey(bill.bill.id, bill.next_due_on), view: bill, one: null, dueOn: bill.next_due_on, fallsOn: bill.next_due_on });
  }
  return rows;
}

/** The rows of the list: beyond this month a bill stands once, and only when nothing of it is open before. */
export function listed(rows: readonly Row[], today: string): Row[] {
  const end = addMonths(today, 1);
  const standing = new Set<string>();
  return rows.filter(({ one, view }) => {
    if (one === null || isSettled(one)) return true;
    const first = !standing.has(view.bill.id);
    standing.add(view.bill.id);
    return first || one.falls_on < end || isOnTheWay(one);
  });
}

function isSettled(one: OccurrenceView): boolean {
  return one.state === 'paid' || (one.state === 'skipped' && one.days < 0);
}

export function isShown(row: Row, show: Show): boolean {
  if (show === 'all') return true;
  if (row.one === null) return false;
  if (show === 'needs') return needsYou(row.one);
  if (show === 'way') return isOnTheWay(row.one);
  return isSettled(row.one);
}

function groupOf(row: Row, today: string): GroupName {
  const one = row.one;
  if (one === null) return row.dueOn !== null ? 'further' : row.view.paused ? 'paused' : 'ended';
  if (isSettled(one)) return 'settled';
  if (one.days < 0) return 'late';
  if (one.days <= SOON_DAYS) return 'next7';
  return one.falls_on < addMonths(today, 1) ? 'month' : 'further';
}

export function groupsOf(rows: readonly Row[], today: string): Group[] {
  const groups = new Map<GroupName, Row[]>();
  for (const row of rows) {
    const name = groupOf(row, today);
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return order.flatMap((name) => {
    const found = groups.get(name);
    if (!found) return [];
    const sorted = found.toSorted((a, b) => (a.fallsOn ?? '').localeCompare(b.fallsOn ?? '') || a.view.bill.name.localeCompare(b.view.bill.name));
    if (name === 'settled') sorted.reverse();
    return [{ name, rows: sorted, total: totalOf(name, sorted) }];
  });
}

/** What is left to pay; of settled ones, what was owed. Skipped ones count for nothing. */
function totalOf(name: GroupName, rows: readonly Row[]): Money[] {
  const owed = rows.flatMap(({ one }) => {
    if (one === null || one.state === 'skipped') return [];
    if (name === 'settled' || one.left.minor === 0) return [one.amount];
    return [one.left];
  });
  return sumByCurrency(owed);
}

/** The row to begin with: the asked one, else the first that needs the person, else the first. */
export function chosenRow(rows: readonly Row[], bill: string | null, due: string | null): Row | null {
  const ofBill = rows.filter((row) => row.view.bill.id === bill);
  const open = (row: Row) => row.one !== null && needsYou(row.one);
  const asked = ofBill.find((row) => row.dueOn === due) ?? ofBill.find(open) ?? ofBill[0];
  return asked ?? rows.find(open) ?? rows[0] ?? null;
}
