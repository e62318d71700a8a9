// What is typed about a card's terms, read exactly: a share is counted in millionths and never becomes a float.
import { parseMoney } from '$lib/format';
import type { CardTerms, Money } from '$lib/ipc/bindings';

const DAYS_AFTER_MAX = 60;
const DAY_MAX = 31;
const MILLIONTHS_PER_PERCENT = 10_000;

export type TypedTerms = { closingDay: string; rule: 'after' | 'day'; after: string; day: string; floor: string; share: string; addsCharges: boolean; rate: string; lateFee: string };
export type WrongTerm = 'closingDay' | 'after' | 'day' | 'floor' | 'share' | 'rate' | 'lateFee';

/** "2" or "2.5" percent in millionths; at most four decimals. */
export function parseShare(text: string): number | null {
  const found = /^(\d{1,3})(?:[.,](\d{1,4}))?$/.exec(text.trim().replace(/\s*%$/, ''));
  if (!found) return null;
  const millionths = Number(found[1]) * MILLIONTHS_PER_PERCENT + Number((found[2] ?? '').padEnd(4, '0') || '0');
  return millionths <= 100 * MILLIONTHS_PER_PERCENT ? millionths : null;
}

export function editShare(millionths: number): string {
  const whole = Math.floor(millionths / MILLIONTHS_PER_PERCENT);
  const rest = String(millionths % MILLIONTHS_PER_PERCENT).padStart(4, '0').replace(/0+$/, '');
  return rest ? `${whole}.${rest}` : String(whole);
}

export function readTerms(typed: TypedTerms, currency: string): { terms: CardTerms | null; wrong: ReadonlySet<WrongTerm> } {
  const wrong = new Set<WrongTerm>();
  const whole = (name: WrongTerm, text: string, most: number): number => {
    const value = Number(text);
    if (!/^\d{1,2}$/.test(text.trim()) || value < 1 || value > most) wrong.add(name);
    return value;
  };
  const closing_day = whole('closingDay', typed.closingDay, DAY_MAX);
  const due =
    typed.rule === 'after'
      ? { days_after_closing: whole('after', typed.after, DAYS_AFTER_MAX) }
      : { day_of_month: whole('day', typed.day, DAY_MAX) };
  let minimum_floor: Money | null = null;
  if (typed.floor.trim() !== '') {
    minimum_floor = parseMoney(typed.floor, currency);
    if (minimum_floor === null || minimum_floor.minor < 0) wrong.add('floor');
  }
  let minimum_share: number | null = null;
  if (typed.share.trim() !== '') {
    minimum_share = parseShare(typed.share);
    if (minimum_share === null) wrong.add('share');
  }
  let apr: number | null = null;
  if (typed.rate.trim() !== '') {
    apr = parseShare(typed.rate);
    if (apr === null) wrong.add('rate');
  }
  let late_fee: Money | null = null;
  if (typed.lateFee.trim() !== '') {
    late_fee = parseMoney(typed.lateFee, currency);
    if (late_fee === null || late_fee.minor < 0) wrong.add('lateFee');
  }
  const terms = { closing_day, due, minimum_floor, minimum_share, minimum_adds_charges: typed.addsCharges, apr, late_fee };
  return { terms: wrong.size === 0 ? terms : null, wrong };
}
