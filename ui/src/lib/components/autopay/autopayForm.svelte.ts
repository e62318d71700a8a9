// What a person types to let a bill be paid by itself.
import { editMoney, parseMoney } from '$lib/format';
import type { AutopayTerms, AutopayView, Bill, Money } from '$lib/ipc/bindings';

export type End = 'open' | 'day' | 'count';
type Wrong = 'amount' | 'cap' | 'warn' | 'end';

const PAYMENTS_MAX = 999;

export class AutopayForm {
  each = $state<'left' | 'fixed'>('left');
  amount = $state('');
  cap = $state('');
  warnAbove = $state('');
  method = $state('');
  daysBefore = $state('0');
  end = $state<End>('open');
  endsOn = $state('');
  payments = $state('');
  #wrong = $state<readonly Wrong[]>([]);
  readonly #currency: string;

  /** Of a bill that has none yet, a cap a quarter above what it costs is offered. */
  constructor(bill: Bill, known: AutopayView | null, amount: Money) {
    this.#currency = bill.amount.currency;
    const cap = known?.terms.cap ?? bill.cap ?? { ...amount, minor: Math.ceil(amount.minor * 1.25) };
    this.cap = editMoney(cap);
    if (!known) return;
    const { terms } = known;
    if (terms.amount.pay === 'fixed') {
      this.each = 'fixed';
      this.amount = editMoney(terms.amount.amount);
    }
    this.warnAbove = terms.warn_above ? editMoney(terms.warn_above) : '';
    this.method = terms.method ?? '';
    this.daysBefore = String(terms.days_before);
    this.end = terms.ends_on ? 'day' : terms.payments ? 'count' : 'open';
    this.endsOn = terms.ends_on ?? '';
    this.payments = terms.payments ? String(terms.payments) : '';
  }

  is(field: Wrong): boolean {
    return this.#wrong.includes(field);
  }

  /** The terms, or null when something is not right yet: `is` says what. */
  read(): AutopayTerms | null {
    const money = (text: string) => {
      const typed = parseMoney(text, this.#currency);
      return typed && typed.minor > 0 ? typed : null;
    };
    const cap = money(this.cap);
    const fits = (one: Money | null) => one !== null && cap !== null && one.minor <= cap.minor;
    const amount = this.each === 'fixed' ? money(this.amount) : null;
    const warn = this.warnAbove.trim() === '' ? null : money(this.warnAbove);
    const count = Number(this.payments);
    const wrong: Wrong[] = [];
    if (!cap) wrong.push('cap');
    if (this.each === 'fixed' && !fits(amount)) wrong.push('amount');
    if (this.warnAbove.trim() !== '' && !fits(warn)) wrong.push('warn');
    if (this.end === 'day' && this.endsOn === '') wrong.push('end');
    if (this.end === 'count' && !(Number.isInteger(count) && count >= 1 && count <= PAYMENTS_MAX)) wrong.push('end');
    this.#wrong = wrong;
    if (wrong.length > 0 || !cap) return null;
    return {
      amount: amount ? { pay: 'fixed', amount } : { pay: 'left' },
      cap,
      warn_above: warn,
      method: this.method || null,
      days_before: Number(this.daysBefore),
      ends_on: this.end === 'day' ? this.endsOn : null,
      payments: this.end === 'count' ? count : null,
    };
  }
}
