// Due dates of the invented world, worked out from bills, marks and payments in the same words as the core's.
import type { BandView, Bill, MarkAs, Money, OccurrenceState, OccurrenceView, PaymentView, RiseView, Schedule } from '../bindings';
import { billers, rule as whole, TODAY, usd, type WholeBill } from './bills';

const DAY_MS = 86_400_000;
const gone = ['returned', 'rejected', 'failed', 'cancelled', 'expired', 'refused'];

export const daysFrom = (from: string, to: string) => Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
export const shifted = (day: string, count: number) => dateOf(new Date(Date.parse(day) + count * DAY_MS));
const dateOf = (day: Date) => day.toISOString().slice(0, 10);

/** Due dates from one day to another, both included. Closed days are weekends here. */
export function datesOf(rule: Schedule, from: string, to: string): string[] {
  const schedule = whole(rule);
  const last = schedule.ends_on !== null && schedule.ends_on < to ? schedule.ends_on : to;
  const turns = schedule.every === 'once' ? 1 : Math.min(schedule.count ?? 1200, 1200);
  const dates: string[] = [];
  let turn = 0;
  const begin = schedule.count === null && from > schedule.starts_on ? from : schedule.starts_on;
  const starts = new Date(schedule.starts_on);
  const end = Date.parse(last);
  for (let at = Date.parse(begin); at <= end && turn < turns; at += DAY_MS) {
    const day = new Date(at);
    if (!fits(schedule, starts, day)) continue;
    turn += 1;
    const date = dateOf(day);
    if (date >= from) dates.push(date);
  }
  return dates;
}

const WEEK = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
const isWorking = (day: Date) => ![0, 6].includes(day.getUTCDay());

// Asked of every day of a range, for each bill and at each reading: it parses and writes no dates.
function fits(schedule: Required<Schedule>, starts: Date, day: Date): boolean {
  const { every, interval, nth } = schedule;
  const far = Math.round((day.getTime() - starts.getTime()) / DAY_MS);
  if (every === 'once') return far === 0;
  if (every === 'day') return far % interval === 0;
  if (every === 'week') {
    if (schedule.weekdays.length === 0) return far % (7 * interval) === 0;
    const monday = (starts.getUTCDay() + 6) % 7;
    return schedule.weekdays.some((one) => WEEK[day.getUTCDay()] === one) && Math.floor((far + monday) / 7) % interval === 0;
  }
  const [year, month] = [day.getUTCFullYear(), day.getUTCMonth()];
  const step = { month: 1, quarter: 3, year: 12 }[every] * interval;
  if ((12 * (year - starts.getUTCFullYear()) + month - starts.getUTCMonth()) % step !== 0) return false;
  const length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  if (!nth) return day.getUTCDate() === Math.min(schedule.day ?? starts.getUTCDate(), length);
  const all = Array.from({ length }, (_, at) => new Date(Date.UTC(year, month, at + 1)));
  const like = all.filter((one) => (nth.of === 'weekday' ? WEEK[one.getUTCDay()] === nth.weekday : isWorking(one)));
  return like.at(nth.nth > 0 ? nth.nth - 1 : nth.nth)?.getTime() === day.getTime();
}

/** `issued`: what the statement of a card of the server asks for, which is no bill of the person's. */
export type Book = { bills: WholeBill[]; marks: Map<string, MarkAs>; payments: PaymentView[]; issued?: string };

export const markKey = (bill: string, dueOn: string) => `${bill} ${dueOn}`;

export function isPayable(bill: Bill): boolean {
  return billers.some((biller) => biller.id === bill.biller && biller.payable);
}

/** What a due date costs, with the price steps before it. */
export function amountOn(bill: WholeBill, dueOn: string): Money {
  return bill.steps.findLast((step) => step.from <= dueOn)?.amount ?? bill.amount;
}

const isPaused = (bill: WholeBill, day: string) => bill.pauses.some((pause) => pause.from <= day && (pause.until === null || day <= pause.until));

/** The due dates of a bill without its pauses. */
export function datesOfBill(bill: WholeBill, from: string, to: string): string[] {
  return datesOf(bill.schedule, from, to).filter((day) => !isPaused(bill, day));
}

/** The working day itself, or the one before a closed day. */
export function workday(day: string): string {
  return isWorking(new Date(day)) ? day : workday(shifted(day, -1));
}

/** The first working day after a day. */
export function workdayAfter(day: string): string {
  const next = shifted(day, 1);
  return isWorking(new Date(next)) ? next : workdayAfter(next);
}

export function occurrence(book: Book, bill: WholeBill, dueOn: string): OccurrenceView {
  const mark = book.marks.get(markKey(bill.id, dueOn));
  const amount: Money = mark?.kind === 'amount' ? mark.amount : amountOn(bill, dueOn);
  const mine = book.payments.filter((payment) => payment.bill === bill.id && payment.due_on === dueOn && !gone.includes(payment.state));
  const covered = mine.reduce((sum, payment) => sum + payment.amount.minor, 0);
  const marked = mark?.kind === 'paid' ? (mark.amount?.minor ?? amount.minor) : 0;
  const left = mark?.kind === 'skipped' ? 0 : Math.max(0, amount.minor - covered - marked);
  const payment = mine[0] ?? null;
  const fallsOn = mark?.kind === 'moved' ? mark.to : dueOn;
  const days = daysFrom(TODAY, fallsOn);
  return {
    bill: bill.id,
    name: bill.name,
    due_on: dueOn,
    falls_on: fallsOn,
    issued_on: bill.issue_days === null ? null : shifted(fallsOn, -bill.issue_days),
    grace_until: shifted(fallsOn, bill.grace_days),
    pay_by: workday(fallsOn),
    over_cap: bill.cap !== null && amount.minor > bill.cap.minor,
    amount,
    left: { ...amount, minor: left },
    estimated: bill.estimated && mark?.kind !== 'amount',
    state: stateOf(mark, left, covered + marked, days, payment),
    days,
    payable: isPayable(bill),
    card: bill.card,
    issued: book.issued === bill.id,
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
  const all = book.bills.flatMap((bill) => datesOfBill(bill, from, to).map((day) => occurrence(book, bill, day)));
  return all.toSorted((a, b) => a.falls_on.localeCompare(b.falls_on) || a.name.localeCompare(b.name));
}

/** What the water and the gas cost in the dates before. */
export function bandOf(bill: WholeBill): BandView | null {
  if (!bill.estimated) return null;
  return { low: usd(bill.amount.minor - 680), usual: bill.amount, high: usd(bill.amount.minor + 910), count: 7 };
}

const rises: Record<string, { due_on: string; usual: number; before: [string, number][] }> = {
  'bill-power': { due_on: '2026-11-16', usual: 7677, before: [['2026-10-16', 7812], ['2026-09-16', 7677], ['2026-08-16', 7590]] },
  'bill-tv': { due_on: '2026-11-08', usual: 1199, before: [['2026-10-08', 1199], ['2026-09-08', 1199]] },
};

/** Two bills cost more than they did; a price step that says so explains it. */
export function riseOf(bill: WholeBill): RiseView | null {
  const rise = rises[bill.id];
  if (!rise || bill.steps.some((step) => step.from <= rise.due_on)) return null;
  const amount = amountOn(bill, rise.due_on);
  const by = amount.minor - rise.usual;
  const before = rise.before.map(([due_on, minor]) => ({ due_on, amount: usd(minor) }));
  return { bill: bill.id, name: bill.name, due_on: rise.due_on, amount, usual: usd(rise.usual), by: usd(by), percent: Math.floor((by * 100) / rise.usual), before };
}
