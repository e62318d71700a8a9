// What is typed about an income, what is wrong with it, and the income it makes.
import { editMoney, parseMoney } from '$lib/format';
import type { Calendar, Income, Money, NewIncome, PayCycle, Roll } from '$lib/ipc/bindings';

const DAY_MAX = 31;

export type CycleKind = PayCycle['kind'];
export const CYCLE_KINDS: readonly CycleKind[] = ['two_weekly', 'weekly', 'semi_monthly', 'monthly', 'last_working_day'];
export type Wrong = 'name' | 'amount' | 'anchor' | 'day' | 'days';

export class IncomeForm {
  name = $state('');
  amount = $state('');
  currency = $state('USD');
  kind = $state<CycleKind>('two_weekly');
  anchor = $state('');
  day = $state('');
  first = $state('15');
  second = $state('31');
  calendar = $state<Calendar>('federal_reserve');
  roll = $state<Roll>('preceding');
  tried = $state(false);

  money: Money | null = $derived(parseMoney(this.amount, this.currency));

  wrong: ReadonlySet<Wrong> = $derived.by(() => {
    const wrong = new Set<Wrong>();
    if (this.name.trim() === '') wrong.add('name');
    if (this.money === null || this.money.minor <= 0) wrong.add('amount');
    if ((this.kind === 'weekly' || this.kind === 'two_weekly') && this.anchor === '') wrong.add('anchor');
    if (this.kind === 'monthly' && !isDay(this.day)) wrong.add('day');
    if (this.kind === 'semi_monthly' && !(isDay(this.first) && isDay(this.second) && Number(this.first) < Number(this.second))) wrong.add('days');
    return wrong;
  });

  /** What is typed, for showing its pay days: whose pay it is and how much say nothing about them. */
  dated: NewIncome | null = $derived.by(() => {
    const about: Wrong[] = ['anchor', 'day', 'days'];
    if (about.some((field) => this.wrong.has(field))) return null;
    return { name: '–', amount: { minor: 1, currency: this.currency }, cycle: this.#cycle(), calendar: this.calendar, roll: this.roll };
  });

  constructor(income: Income | null, currency: string) {
    this.currency = income?.amount.currency ?? currency;
    if (!income) return;
    this.name = income.name;
    this.amount = editMoney(income.amount);
    this.calendar = income.calendar;
    this.roll = income.roll;
    const cycle = income.cycle;
    this.kind = cycle.kind;
    if (cycle.kind === 'weekly' || cycle.kind === 'two_weekly') this.anchor = cycle.anchor;
    if (cycle.kind === 'monthly') this.day = String(cycle.day);
    if (cycle.kind === 'semi_monthly') {
      this.first = String(cycle.first);
      this.second = String(cycle.second);
    }
  }

  is(wrong: Wrong): boolean {
    return this.tried && this.wrong.has(wrong);
  }

  /** The income as typed, or nothing while something in it is wrong. */
  read(): NewIncome | null {
    this.tried = true;
    if (this.wrong.size > 0 || this.money === null) return null;
    return { name: this.name.trim(), amount: this.money, cycle: this.#cycle(), calendar: this.calendar, roll: this.roll };
  }

  #cycle(): PayCycle {
    switch (this.kind) {
      case 'weekly':
      case 'two_weekly':
        return { kind: this.kind, anchor: this.anchor };
      case 'semi_monthly':
        return { kind: this.kind, first: Number(this.first), second: Number(this.second) };
      case 'monthly':
        return { kind: this.kind, day: Number(this.day) };
      case 'last_working_day':
        return { kind: this.kind };
    }
  }
}

function isDay(text: string): boolean {
  const day = Number(text);
  return text.trim() !== '' && Number.isInteger(day) && day >= 1 && day <= DAY_MAX;
}
