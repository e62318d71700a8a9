// Due dates in the order in which they need the person. Pure: what is late, near, later, settled.
import { addMonths, sumByCurrency } from '$lib/format';
import type { Account, BillView, BillsView, CardView, Money, OccurrenceView, PayDayView, PayPlanView } from '$lib/ipc/bindings';
import { isKept, isUnderWay, needsYou, owedNow, SOON_DAYS } from '$lib/state/standing';
import { servedCardOf } from '$lib/state/account';

export type Show = 'all' | 'needs' | 'way' | 'settled';
/** `served`: the card of this server whose payment it is; `issued`: its statement asks for it, and there is no bill. */
export type Row = { key: string; view: BillView; one: OccurrenceView | null; dueOn: string | null; fallsOn: string | null; leavesOn: string | null; served: Account | null; issued: boolean };
export type GroupName = 'late' | 'next7' | 'month' | 'before' | 'period' | 'further' | 'ended' | 'paused' | 'settled';
/** Of a pay period, the pay day that it is before or after, and what comes in on it. */
export type Group = { key: string; name: GroupName; payOn: string | null; income: Money[]; rows: Row[]; total: Money[] };

const order: readonly GroupName[] = ['late', 'next7', 'month', 'before', 'period', 'further', 'paused', 'settled', 'ended'];

export function rowKey(bill: string, dueOn: string | null): string {
  return `${bill} ${dueOn ?? ''}`;
}

/** Every due date in reach, and every bill that has none there. */
export function rowsOf(view: BillsView, plan: PayPlanView | null = null, cards: readonly CardView[] = []): Row[] {
  const bills = new Map([...view.cards, ...view.bills].map((one) => [one.bill.id, one]));
  const leaves = new Map((plan?.figures?.payments ?? []).filter((one) => one.payment === null).map((one) => [rowKey(one.bill ?? '', one.due_on), one.leaves_on]));
  const rows: Row[] = [];
  const reached = new Set<string>();
  for (const one of view.occurrences) {
    const bill = bills.get(one.bill);
    if (!bill) continue;
    reached.add(one.bill);
    const key = rowKey(one.bill, one.due_on);
    rows.push({ key, issued: one.issued, view: bill, one, dueOn: one.due_on, fallsOn: one.falls_on, leavesOn: leaves.get(key) ?? null, served: servedCardOf(bill.bill, cards) });
  }
  for (const bill of view.bills) {
    if (reached.has(bill.bill.id)) continue;
    rows.push({ key: rowKey(bill.bill.id, bill.next_due_on), issued: false, view: bill, one: null, dueOn: bill.next_due_on, fallsOn: bill.next_due_on, leavesOn: null, served: servedCardOf(bill.bill, cards) });
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
    return first || one.falls_on < end || isUnderWay(one) || isKept(one);
  });
}

function isSettled(one: OccurrenceView): boolean {
  return one.state === 'paid' || (one.state === 'skipped' && one.days < 0);
}

export function isShown(row: Row, show: Show): boolean {
  if (show === 'all') return true;
  if (row.one === null) return false;
  if (show === 'needs') return needsYou(row.one);
  if (show === 'way') return isUnderWay(row.one);
  return isSettled(row.one);
}

/** Whether something still leaves in a pay period is said by the day it leaves, not by the day it is due. */
function leavingDay(one: OccurrenceView, row: Row): string {
  if (row.leavesOn !== null) return row.leavesOn;
  return one.state === 'scheduled' && one.sends_on !== null ? one.sends_on : one.falls_on;
}

function groupOf(row: Row, today: string, payDays: readonly string[]): { name: GroupName; payOn: string | null } {
  const one = row.one;
  const plain = (name: GroupName) => ({ name, payOn: null });
  if (one === null) return plain(row.dueOn !== null ? 'further' : row.view.paused ? 'paused' : 'ended');
  if (isSettled(one)) return plain('settled');
  const [first] = payDays;
  if (first !== undefined) {
    const day = leavingDay(one, row);
    if (day >= addMonths(today, 1)) return plain('further');
    const payOn = payDays.findLast((on) => on <= day);
    return payOn === undefined ? { name: 'before', payOn: first } : { name: 'period', payOn };
  }
  if (one.days < 0) return plain('late');
  if (one.days <= SOON_DAYS) return plain('next7');
  return plain(one.falls_on < addMonths(today, 1) ? 'month' : 'further');
}

/** By pay period where pay days are known, otherwise by how soon something needs the person. */
export function groupsOf(rows: readonly Row[], today: string, pay: readonly PayDayView[] = []): Group[] {
  const coming = pay.filter((one) => one.on > today);
  const payDays = [...new Set(coming.map((one) => one.on))];
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const { name, payOn } = groupOf(row, today, payDays);
    const key = `${name} ${payOn ?? ''}`;
    const income = name === 'period' ? sumByCurrency(coming.filter((one) => one.on === payOn).map((one) => one.amount)) : [];
    const group = groups.get(key) ?? { key, name, payOn, income, rows: [], total: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  const sorted = [...groups.values()].toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name) || (a.payOn ?? '').localeCompare(b.payOn ?? ''));
  return sorted.map((group) => {
    const found = group.rows.toSorted((a, b) => (a.fallsOn ?? '').localeCompare(b.fallsOn ?? '') || a.view.bill.name.localeCompare(b.view.bill.name));
    if (group.name === 'settled') found.reverse();
    return { ...group, rows: found, total: totalOf(group.name, found) };
  });
}

/** What is left to pay; of settled ones, what was owed; of a date out of reach, what the bill costs. Skipped ones count for nothing. */
function totalOf(name: GroupName, rows: readonly Row[]): Money[] {
  const owed = rows.flatMap(({ one, view, dueOn }) => {
    if (one === null) return dueOn === null ? [] : [view.amount];
    if (one.state === 'skipped') return [];
    return [name === 'settled' ? one.amount : owedNow(one)];
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
