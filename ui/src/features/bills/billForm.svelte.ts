// What is typed about a bill, what is wrong with it, and the bill it makes.
import { editMoney, parseMoney } from '$lib/format';
import type { Bill, Biller, Every, Money, NewBill, Schedule } from '$lib/ipc/bindings';

const INTERVAL_MAX = 120;
const DAY_MAX = 31;
export const REMINDERS_MAX = 5;

export type Wrong = 'name' | 'amount' | 'startsOn' | 'interval' | 'day' | 'endsOn';

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
  day = $state('');
  startsOn = $state('');
  endsOn = $state('');
  biller = $state.raw<Pick<Biller, 'id' | 'name' | 'payable'> | null>(null);
  reference = $state('');
  card = $state('');
  remindDays = $state.raw<number[]>([]);
  note = $state('');
  tried = $state(false);

  money: Money | null = $derived(parseMoney(this.amount, this.currency));

  wrong: ReadonlySet<Wrong> = $derived.by(() => {
    const wrong = new Set<Wrong>();
    if (this.name.trim() === '') wrong.add('name');
    if (this.money === null || this.money.minor <= 0) wrong.add('amount');
    if (this.startsOn === '') wrong.add('startsOn');
    if (this.every === 'once') return wrong;
    if (!isWhole(this.interval, INTERVAL_MAX)) wrong.add('interval');
    if (hasDay(this.every) && this.day !== '' && !isWhole(this.day, DAY_MAX)) wrong.add('day');
    if (this.endsOn !== '' && this.endsOn < this.startsOn) wrong.add('endsOn');
    return wrong;
  });

  constructor(bill: Bill | null, today: string) {
    this.startsOn = today;
    if (bill) this.#fill(bill);
  }

  is(wrong: Wrong): boolean {
    return this.tried && this.wrong.has(wrong);
  }

  toggleReminder(day: number): void {
    const without = this.remindDays.filter((one) => one !== day);
    const next = without.length < this.remindDays.length ? without : [...without, day];
    this.remindDays = next.slice(-REMINDERS_MAX).toSorted((a, b) => b - a);
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
    };
  }

  #schedule(): Schedule {
    if (this.every === 'once') return { every: 'once', interval: 1, day: null, starts_on: this.startsOn, ends_on: null };
    const day = hasDay(this.every) ? Number(this.day || this.startsOn.slice(8, 10)) : null;
    return { every: this.every, interval: Number(this.interval), day, starts_on: this.startsOn, ends_on: this.endsOn || null };
  }

  #fill(bill: Bill): void {
    this.name = bill.name;
    this.amount = editMoney(bill.amount);
    this.currency = bill.amount.currency;
    this.estimated = bill.estimated;
    this.every = bill.schedule.every;
    this.interval = String(bill.schedule.interval);
    this.day = bill.schedule.day === null ? '' : String(bill.schedule.day);
    this.startsOn = bill.schedule.starts_on;
    this.endsOn = bill.schedule.ends_on ?? '';
    this.reference = bill.reference ?? '';
    this.card = bill.card ?? '';
    this.remindDays = [...bill.remind_days];
    this.note = bill.note ?? '';
  }
}

function isWhole(text: string, most: number): boolean {
  return /^\d{1,3}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= most;
}
