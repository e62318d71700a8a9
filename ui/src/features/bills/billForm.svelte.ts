// What is typed about a bill, what is wrong with it, and the bill it makes.
import { editMoney, parseMoney } from '$lib/format';
import type { Bill, BillerView, Calendar, Every, Money, NewBill, Nth, Roll, Schedule, Weekday } from '$lib/ipc/bindings';
import { WEEKDAYS } from './schedule';

const INTERVAL_MAX = 120;
const DAY_MAX = 31;
const COUNT_MAX = 9999;
const DAYS_MAX = 60;
const LEAD_MAX = 10;
export const REMINDERS_MAX = 5;

/** Places within a month: weekdays come four times in each, working days fifteen. */
export const WEEKDAY_PLACES: readonly number[] = [1, 2, 3, 4, -1, -2, -3, -4];
export const WORKING_PLACES: readonly number[] = [...Array.from({ length: 15 }, (_, at) => at + 1), ...Array.from({ length: 15 }, (_, at) => -1 - at)];

export type Wrong = 'name' | 'amount' | 'startsOn' | 'interval' | 'day' | 'endsOn' | 'count' | 'cap' | 'days';
/** How a rule of months says its day. */
export type OnKind = 'day' | 'last' | 'weekday' | 'working';
export type EndKind = 'never' | 'date' | 'count';

/** Months, quarters and years fall on a day of the month; the others follow from the first date. */
export function hasDay(every: Every): boolean {
  return every === 'month' || every === 'quarter' || every === 'year';
}

export class BillForm {
  name = $state('');
  amount = $state('');
  currency = $state('USD');
  estimated = $state(false);
  every = $state<Every>('month');
  interval = $state('1');
  onKind = $state<OnKind>('day');
  day = $state('');
  place = $state(-1);
  weekday = $state<Weekday>('friday');
  weekdays = $state.raw<Weekday[]>([]);
  startsOn = $state('');
  endKind = $state<EndKind>('never');
  endsOn = $state('');
  count = $state('');
  calendar = $state<Calendar>('weekends_only');
  roll = $state<Roll>('stays');
  biller = $state.raw<BillerView | null>(null);
  reference = $state('');
  card = $state('');
  remindDays = $state.raw<number[]>([]);
  /** The boxes are the person's from the first one that they touched. */
  #reminds = false;
  note = $state('');
  cap = $state('');
  issueDays = $state('');
  graceDays = $state('');
  leadDays = $state('');
  tried = $state(false);

  money: Money | null = $derived(parseMoney(this.amount, this.currency));

  wrong: ReadonlySet<Wrong> = $derived.by(() => {
    const wrong = new Set<Wrong>();
    if (this.name.trim() === '') wrong.add('name');
    if (this.money === null || this.money.minor <= 0) wrong.add('amount');
    if (this.startsOn === '') wrong.add('startsOn');
    if (this.cap.trim() !== '' && !(Number(parseMoney(this.cap, this.currency)?.minor) > 0)) wrong.add('cap');
    if (!isCount(this.issueDays, DAYS_MAX) || !isCount(this.graceDays, DAYS_MAX) || !isCount(this.leadDays, LEAD_MAX)) wrong.add('days');
    if (this.every === 'once') return wrong;
    if (!isWhole(this.interval, INTERVAL_MAX)) wrong.add('interval');
    if (hasDay(this.every) && this.onKind === 'day' && this.day !== '' && !isWhole(this.day, DAY_MAX)) wrong.add('day');
    if (this.endKind === 'date' && (this.endsOn === '' || this.endsOn < this.startsOn)) wrong.add('endsOn');
    if (this.endKind === 'count' && !isWhole(this.count, COUNT_MAX)) wrong.add('count');
    return wrong;
  });

  /** Working days mean something only where one is counted or stepped over. */
  hasCalendar: boolean = $derived(this.roll !== 'stays' || (hasDay(this.every) && this.onKind === 'working'));
  places: readonly number[] = $derived(this.onKind === 'working' ? WORKING_PLACES : WEEKDAY_PLACES);

  /** The rule as typed, or nothing while something in it is wrong. */
  rule: Schedule | null = $derived.by(() => {
    const about: Wrong[] = ['startsOn', 'interval', 'day', 'endsOn', 'count'];
    return about.some((field) => this.wrong.has(field)) ? null : this.#schedule();
  });

  /** An amount that steps is shown as it is now: `amount` stands for the bill's own. */
  constructor(bill: Bill | null, today: string, amount: Money | null = null) {
    this.startsOn = today;
    if (bill) this.#fill(bill, amount ?? bill.amount);
  }

  is(wrong: Wrong): boolean {
    return this.tried && this.wrong.has(wrong);
  }

  /** What the settings say, unless they say it too late. */
  remindUsually(days: readonly number[]): void {
    if (!this.#reminds) this.remindDays = [...days];
  }

  toggleReminder(day: number): void {
    this.#reminds = true;
    const without = this.remindDays.filter((one) => one !== day);
    const next = without.length < this.remindDays.length ? without : [...without, day];
    this.remindDays = next.slice(-REMINDERS_MAX).toSorted((a, b) => b - a);
  }

  toggleWeekday(weekday: Weekday): void {
    const without = this.weekdays.filter((one) => one !== weekday);
    this.weekdays = without.length < this.weekdays.length ? without : [...without, weekday];
  }

  pickOnKind(kind: OnKind): void {
    if (!this.places.includes(this.place)) this.place = -1;
    // Whoever names a working day most likely means the holidays as well.
    if (kind === 'working' && this.calendar === 'weekends_only') this.calendar = homeCalendar(this.currency);
  }

  pickRoll(roll: Roll): void {
    if (roll !== 'stays' && this.calendar === 'weekends_only') this.calendar = homeCalendar(this.currency);
  }

  /** The bill as typed, or nothing while something in it is wrong. */
  read(): NewBill | null {
    this.tried = true;
    if (this.wrong.size > 0 || this.money === null) return null;
    return {
      name: this.name.trim(),
      amount: this.money,
      estimated: this.estimated,
      schedule: this.#schedule(),
      biller: this.biller?.id ?? null,
      reference: this.reference.trim() || null,
      remind_days: [...this.remindDays],
      note: this.note.trim() || null,
      cap: this.cap.trim() === '' ? null : parseMoney(this.cap, this.currency),
      issue_days: this.issueDays.trim() === '' ? null : Number(this.issueDays),
      grace_days: Number(this.graceDays),
      lead_days: Number(this.leadDays),
      card: this.card || null,
    };
  }

  #schedule(): Schedule {
    const once = this.every === 'once';
    const inMonth = hasDay(this.every);
    const ends = once ? 'never' : this.endKind;
    return {
      every: this.every,
      interval: once ? 1 : Number(this.interval),
      day: inMonth ? this.#day() : null,
      weekdays: this.every === 'week' ? WEEKDAYS.filter((day) => this.weekdays.includes(day)) : [],
      nth: inMonth ? this.#nth() : null,
      starts_on: this.startsOn,
      ends_on: ends === 'date' ? this.endsOn : null,
      count: ends === 'count' ? Number(this.count) : null,
      calendar: this.hasCalendar ? this.calendar : 'weekends_only',
      roll: this.roll,
    };
  }

  #day(): number | null {
    if (this.onKind === 'last') return DAY_MAX;
    return this.onKind === 'day' ? Number(this.day || this.startsOn.slice(8, 10)) : null;
  }

  #nth(): Nth | null {
    if (this.onKind === 'weekday') return { of: 'weekday', nth: this.place, weekday: this.weekday };
    return this.onKind === 'working' ? { of: 'working_day', nth: this.place } : null;
  }

  #fill(bill: Bill, amount: Money): void {
    this.name = bill.name;
    this.amount = editMoney(amount);
    this.currency = amount.currency;
    this.estimated = bill.estimated;
    this.#fillRule(bill.schedule);
    // Its name is read later; the bill is paid to it from the start.
    if (bill.biller) this.biller = { id: bill.biller, name: bill.name, payable: false, category: '', accepts: [], how_to_pay: '', own: false };
    this.reference = bill.reference ?? '';
    this.card = bill.card ?? '';
    this.remindDays = [...bill.remind_days];
    this.note = bill.note ?? '';
    this.cap = bill.cap ? editMoney(bill.cap) : '';
    this.issueDays = bill.issue_days === null ? '' : String(bill.issue_days);
    this.graceDays = String(bill.grace_days || '');
    this.leadDays = String(bill.lead_days || '');
  }

  #fillRule(rule: Schedule): void {
    this.every = rule.every;
    this.interval = String(rule.interval);
    this.day = rule.day === null ? '' : String(rule.day);
    if (rule.day === DAY_MAX) this.onKind = 'last';
    if (rule.nth) {
      this.onKind = rule.nth.of === 'weekday' ? 'weekday' : 'working';
      this.place = rule.nth.nth;
      if (rule.nth.of === 'weekday') this.weekday = rule.nth.weekday;
    }
    this.weekdays = [...(rule.weekdays ?? [])];
    this.startsOn = rule.starts_on;
    this.endKind = rule.count !== null ? 'count' : rule.ends_on !== null ? 'date' : 'never';
    this.endsOn = rule.ends_on ?? '';
    this.count = rule.count === null ? '' : String(rule.count);
    this.calendar = rule.calendar ?? 'weekends_only';
    this.roll = rule.roll ?? 'stays';
  }
}

/** The banks that close where this money is used. */
function homeCalendar(currency: string): Calendar {
  const homes: Record<string, Calendar> = { USD: 'federal_reserve', EUR: 'target2', GBP: 'england_wales' };
  return homes[currency] ?? 'weekends_only';
}

/** Nothing, or a whole number from 0. */
function isCount(text: string, most: number): boolean {
  return text.trim() === '' || (/^\d{1,2}$/.test(text.trim()) && Number(text) <= most);
}

function isWhole(text: string, most: number): boolean {
  return /^\d{1,4}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= most;
}
