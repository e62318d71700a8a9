// What a person types to let a bill or a card be paid by itself.
import { editMoney, parseMoney } from '$lib/format';
import type { AutopayAmount, AutopayTerms, AutopayView, Money } from '$lib/ipc/bindings';
import { isCard, type Paid } from './paid';

export type Each = AutopayAmount['pay'];
export type End = 'open' | 'day' | 'count';
type Wrong = 'amount' | 'cap' | 'warn' | 'end';

const PAYMENTS_MAX = 999;

export class AutopayForm {
  each = $state<Each>('left');
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

  /** Where there is none yet, a cap a quarter above what one payment comes to is offered. */
  constructor({ of, currency, expected, cap }: Paid, known: AutopayView | null) {
    this.#currency = currency;
    this.each = isCard(of) ? 'statement' : 'left';
    this.cap = editMoney(known?.terms.cap ?? cap ?? { ...expected, minor: Math.ceil(expected.minor * 1.25) });
    if (!known) return;
    const { terms } = known;
    this.each = terms.amount.pay;
    if (terms.amount.pay === 'fixed') this.amount = editMoney(terms.amount.amount);
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
      amount: amount ? { pay: 'fixed', amount } : { pay: this.each as Exclude<Each, 'fixed'> },
      cap,
      warn_above: warn,
      method: this.method || null,
      days_before: Number(this.daysBefore),
      ends_on: this.end === 'day' ? this.endsOn : null,
      payments: this.end === 'count' ? count : null,
    };
  }
}
