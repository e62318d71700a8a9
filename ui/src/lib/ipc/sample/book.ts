// Due dates of the invented world, worked out from bills, marks and payments in the same words as the core's.
import type { Bill, MarkAs, Money, OccurrenceState, OccurrenceView, PaymentView, Schedule } from '../bindings';
import { billers, TODAY } from './bills';

const DAY_MS = 86_400_000;
const gone = ['returned', 'rejected', 'failed', 'cancelled', 'expired', 'refused'];

export const daysFrom = (from: string, to: string) => Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
export const shifted = (day: string, count: number) => new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 10);

/** Due dates from one day to another, both included. */
export function datesOf(schedule: Schedule, from: string, to: string): string[] {
  const last = schedule.ends_on !== null && schedule.ends_on < to ? schedule.ends_on : to;
  const dates: string[] = [];
  for (let turn = 0; turn < 1200; turn += 1) {
    const day = dateAt(schedule, turn);
    if (day > last || (schedule.every === 'once' && turn > 0)) break;
    if (day >= from && day >= schedule.starts_on) dates.push(day);
  }
  return dates;
}

function dateAt(schedule: Schedule, turn: number): string {
  const { every, interval, starts_on: starts } = schedule;
  if (every === 'once') return starts;
  if (every === 'day' || every === 'week') return shifted(starts, turn * interval * (every === 'week' ? 7 : 1));
  const months = { month: 1, quarter: 3, year: 12 }[every] * interval * turn;
  const [year = 0, month = 0, first = 1] = starts.split('-').map(Number);
  const length = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + months, Math.min(schedule.day ?? first, length))).toISOString().slice(0, 10);
}

export type Book = { bills: Bill[]; marks: Map<string, MarkAs>; payments: PaymentView[] };

export const markKey = (bill: string, dueOn: string) => `${bill} ${dueOn}`;

export function isPayable(bill: Bill): boolean {
  return billers.some((biller) => biller.id === bill.biller && biller.payable);
}

export function occurrence(book: Book, bill: Bill, dueOn: string): OccurrenceView {
  const mark = book.marks.get(markKey(bill.id, dueOn));
  const amount: Money = mark?.kind === 'amount' ? mark.amount : bill.amount;
  const mine = book.payments.filter((payment) => payment.bill === bill.id && payment.due_on === dueOn && !gone.includes(payment.state));
  const covered = mine.reduce((sum, payment) => sum + payment.amount.minor, 0);
  const marked = mark?.kind === 'paid' ? (mark.amount?.minor ?? amount.minor) : 0;
  const left = mark?.kind === 'skipped' ? 0 : Math.max(0, amount.minor - covered - marked);
  const payment = mine[0] ?? null;
  const days = daysFrom(TODAY, dueOn);
  return {
    bill: bill.id,
    name: bill.name,
    due_on: dueOn,
    amount,
    left: { ...amount, minor: left },
    estimated: bill.estimated && mark?.kind !== 'amount',
    state: stateOf(mark, left, covered + marked, days, payment),
    days,
    payable: isPayable(bill),
    payment: payment?.id ?? null,
    sends_on: payment?.sends_on ?? null,
    not_sent: payment?.state === 'not_sent',
  };
}

function stateOf(mark: MarkAs | undefined, left: number, covered: number, days: number, payment: PaymentView | null): OccurrenceState {
  if (mark?.kind === 'skipped') return 'skipped';
  if (left > 0) return covered > 0 ? 'partly_paid' : days < 0 ? 'overdue' : 'due';
  if (payment === null || payment.state === 'settled' || payment.state === 'final') return 'paid';
  return payment.state === 'scheduled' || payment.state === 'not_sent' ? 'scheduled' : 'pending';
}

export function occurrences(book: Book): OccurrenceView[] {
  const from = shifted(TODAY, -30);
  const to = shifted(TODAY, 60);
  const all = book.bills.flatMap((bill) => datesOf(bill.schedule, from, to).map((day) => occurrence(book, bill, day)));
  return all.toSorted((a, b) => a.due_on.localeCompare(b.due_on) || a.name.localeCompare(b.name));
}
