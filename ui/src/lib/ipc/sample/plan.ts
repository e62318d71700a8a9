// Pay days of the invented household and the plan that is made of them, by the rules of the core.
import type { Income, NewIncome, PayDayView, PlannedView, PayPlanView, PlanWishes } from '../bindings';
import { checking } from './accounts';
import { TODAY, usd } from './bills';
import { daysFrom, isPayable, occurrences, shifted, type Book } from './book';

const REACH = 60;
const BACK = 31;

export const startingIncomes = (): Income[] => [
  { id: 'income-clinic', name: 'Tern Harbor Clinic', amount: usd(148600), cycle: { kind: 'two_weekly', anchor: '2026-11-20' }, calendar: 'federal_reserve', roll: 'preceding' },
  { id: 'income-school', name: 'Brook Lane Music School', amount: usd(42000), cycle: { kind: 'last_working_day' }, calendar: 'federal_reserve', roll: 'preceding' },
];

const HOLIDAYS = ['2026-11-26', '2026-12-25', '2027-01-01'];
const isWorking = (day: string) => ![0, 6].includes(new Date(day).getUTCDay()) && !HOLIDAYS.includes(day);
const before = (day: string): string => (isWorking(day) ? day : before(shifted(day, -1)));
const after = (day: string): string => (isWorking(day) ? day : after(shifted(day, 1)));

function falls({ cycle }: Pick<Income, 'cycle'>, day: string): boolean {
  const number = Number(day.slice(8, 10));
  const last = shifted(day, 1).slice(8, 10) === '01';
  const on = (wanted: number) => number === wanted || (last && wanted > number);
  switch (cycle.kind) {
    case 'weekly':
      return daysFrom(cycle.anchor, day) % 7 === 0;
    case 'two_weekly':
      return daysFrom(cycle.anchor, day) % 14 === 0;
    case 'semi_monthly':
      return on(cycle.first) || on(cycle.second);
    case 'monthly':
      return on(cycle.day);
    case 'last_working_day':
      return last;
  }
}

/** Pay days from one day to another, both included; on a closed day they go back. */
export function payDaysOf(income: Pick<Income, 'cycle'>, from: string, to: string): string[] {
  const days = Array.from({ length: daysFrom(from, to) + 8 }, (_, at) => shifted(from, at)).filter((day) => falls(income, day)).map(before);
  return [...new Set(days)].filter((day) => day >= from && day <= to);
}

export function nextDays(income: NewIncome): string[] {
  return payDaysOf(income, TODAY, shifted(TODAY, 400)).slice(0, 4);
}

export function plan(book: Book, incomes: Income[], wishes: PlanWishes): PayPlanView {
  const until = shifted(TODAY, REACH);
  const pays = (from: string, to: string): (PayDayView & { income: string })[] =>
    incomes.flatMap((income) => payDaysOf(income, from, to).map((on) => ({ on, name: income.name, amount: income.amount, income: income.id }))).toSorted((a, b) => a.on.localeCompare(b.on));
  const { id, name, mask, keeping } = checking;
  const account = { id, name, mask, keeping, balance: usd(120718), on_its_way: usd(10000), as_of: '2026-11-12T14:12:00Z' };
  const shown = ({ on, name, amount }: PayDayView) => ({ on, name, amount });
  const view: PayPlanView = {
    today: TODAY,
    incomes: incomes.map((income) => ({ income, next: payDaysOf(income, TODAY, shifted(TODAY, 120)).slice(0, 4) })),
    pay_days: pays(shifted(TODAY, -BACK), until).map(shown),
    wishes,
    account,
    accounts: [account],
    missing: incomes.length === 0 ? 'pay_days' : null,
    figures: null,
  };
  if (view.missing) return view;
  const coming = pays(shifted(TODAY, 1), until);
  const first = shifted(TODAY, 0);
  const open: PlannedView[] = occurrences(book)
    .filter((one) => one.left.minor > 0 && one.pay_by <= until)
    .map((one) => {
      const last = before(one.pay_by) < first ? first : before(one.pay_by);
      const pay = coming.findLast((day) => day.on <= last && after(day.on) <= last);
      const late = one.pay_by < first;
      const leaves = late ? first : wishes.pace === 'at_the_last' ? last : pay ? after(pay.on) : first;
      const why: PlannedView['why'] = late ? { why: 'too_late' } : wishes.pace === 'at_the_last' ? { why: 'at_the_last' } : pay ? { why: 'after_pay', pay_day: pay.on, income: pay.income } : { why: 'no_pay_before' };
      return { bill: one.bill, due_on: one.due_on, payment: null, name: one.name, amount: one.left, estimated: one.estimated, usually: null, payable: one.payable, falls_on: one.falls_on, pay_by: one.pay_by, leaves_on: leaves, why };
    });
  const ordered: PlannedView[] = book.payments
    .filter((payment) => payment.state === 'scheduled' || payment.state === 'not_sent')
    .map((payment) => {
      const bill = book.bills.find((one) => one.id === payment.bill);
      const leaves = payment.sends_on ?? first;
      return { bill: payment.bill, due_on: payment.due_on, payment: payment.id, name: bill?.name ?? payment.to, amount: payment.amount, estimated: false, usually: null, payable: bill ? isPayable(bill) : false, falls_on: payment.due_on ?? leaves, pay_by: leaves, leaves_on: leaves, why: { why: 'ordered' } };
    });
  const payments = [...open, ...ordered].toSorted((a, b) => a.leaves_on.localeCompare(b.leaves_on) || a.falls_on.localeCompare(b.falls_on));
  const begins = [TODAY, ...new Set(coming.map((pay) => pay.on))];
  let left = account.balance.minor - account.on_its_way.minor;
  const periods = begins.map((from, at) => {
    const end = begins[at + 1] ? shifted(begins[at + 1]!, -1) : until;
    const pay = coming.filter((one) => one.on === from);
    const inside = payments.filter((one) => one.leaves_on >= from && one.leaves_on <= end);
    const income = pay.reduce((sum, one) => sum + one.amount.minor, 0);
    const takes = inside.reduce((sum, one) => sum + one.amount.minor, 0);
    const opening = left;
    left += income - takes;
    return { from, until: end, pay: pay.map(shown), opening: usd(opening), income: usd(income), takes: usd(takes), closing: usd(left), count: inside.length };
  });
  const moves = [...new Set([TODAY, ...coming.map((pay) => pay.on), ...payments.map((one) => one.leaves_on)])].toSorted();
  let running = account.balance.minor - account.on_its_way.minor;
  const balances = moves.map((on) => {
    running += coming.filter((pay) => pay.on === on).reduce((sum, pay) => sum + pay.amount.minor, 0);
    running -= payments.filter((one) => one.leaves_on === on).reduce((sum, one) => sum + one.amount.minor, 0);
    return { on, amount: usd(running) };
  });
  const lowest = balances.reduce((a, b) => (b.amount.minor < a.amount.minor ? b : a));
  const keep = wishes.keep ?? usd(0);
  const [now] = periods;
  const missing = keep.minor - lowest.amount.minor;
  const next = coming.find((pay) => pay.on > lowest.on)?.on ?? null;
  const helpers = payments.filter((one) => one.payment === null && one.leaves_on <= lowest.on && one.amount.minor >= missing).toSorted((a, b) => a.amount.minor - b.amount.minor);
  view.figures = {
    until,
    safe: {
      until: now!.until,
      pay_on: periods[1]?.from ?? null,
      balance: account.balance,
      on_its_way: account.on_its_way,
      takes: now!.takes,
      count: now!.count,
      held_back: usd(now!.closing.minor - lowest.amount.minor),
      keep,
      left: usd(lowest.amount.minor - keep.minor),
    },
    periods,
    payments,
    balances,
    lowest,
    short: missing > 0 ? { on: lowest.on, by: usd(missing), next_pay_on: next, would_help: helpers.slice(0, 3).map((one) => one.name) } : null,
    other_currencies: 0,
  };
  return view;
}
