// Money as people read and type it. Amounts stay exact: digits are moved as text and never become a float.
import type { Money } from '$lib/ipc/bindings';
import { locale } from './locale';

const MINUS = '\u2212';
const MINOR_MAX = Number.MAX_SAFE_INTEGER;

export type MoneyStyle = {
  /** The amount is a guess: "≈ $61.00". */
  estimated?: boolean;
  /** Money that came in carries a plus. */
  plus?: boolean;
  /** Whole units, for marks in charts only. */
  whole?: boolean;
};

export function formatMoney(money: Money, style: MoneyStyle = {}): string {
  const format = formatOf(money.currency, style.whole ?? false);
  const text = format.format(decimal(money) as Intl.StringNumericLiteral);
  const signed = money.minor > 0 && style.plus ? `+${text}` : text.replace('-', MINUS);
  return style.estimated ? `≈\u00a0${signed}` : signed;
}

/** One amount a currency: "$12.00 + €3.00". Nothing at all is an empty text. */
export function formatSum(amounts: readonly Money[]): string {
  return amounts.map((amount) => formatMoney(amount)).join(PLUS);
}

/** A movement as its account signs it: money in carries a plus, on a card a credit carries a minus, money out is plain. */
export function formatFlow(money: Money, onCard = false): string {
  const plain = formatMoney({ ...money, minor: Math.abs(money.minor) });
  if (money.minor <= 0) return plain;
  return onCard ? `${MINUS}${plain}` : `+${plain}`;
}

export function addMoney(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new Error('two currencies cannot be added');
  return { minor: a.minor + b.minor, currency: a.currency };
}

export function subtractMoney(a: Money, b: Money): Money {
  return addMoney(a, negate(b));
}

export function negate(money: Money): Money {
  return { minor: money.minor === 0 ? 0 : -money.minor, currency: money.currency };
}

/** One sum a currency, in the order in which the currencies come. */
export function sumByCurrency(amounts: readonly Money[]): Money[] {
  const sums = new Map<string, Money>();
  for (const amount of amounts) {
    const before = sums.get(amount.currency);
    sums.set(amount.currency, before ? addMoney(before, amount) : amount);
  }
  return [...sums.values()];
}

const GROUP = 3;
const MARK_DIGITS = 5;
const WIDE_CHARS = 12;
const WIDEST_CHARS = 15;
const PLUS = ' + ';

/** The style of a screen's largest figure: one of many digits is set smaller, so that it stays whole in its panel; a sum breaks between currencies. */
export function figureClass(text: string): string {
  if (text.includes(PLUS)) return 'figure-md';
  if (text.length > WIDEST_CHARS) return 'figure-md nowrap';
  return text.length > WIDE_CHARS ? 'figure-lg nowrap' : 'figure-xl nowrap';
}

/** For a chart's mark: rounded to whole units and without the currency; the table beside it has the exact amount. */
export function formatMark(money: Money, estimated: boolean): string {
  const exact = decimal(money);
  // A mark is a day wide: what has more digits is rounded as people say it, "1.2M".
  const large = exact.replace('-', '').split('.')[0]!.length > MARK_DIGITS;
  const format = new Intl.NumberFormat(locale(), large ? { notation: 'compact', maximumFractionDigits: 1 } : { maximumFractionDigits: 0 });
  return (estimated ? '≈' : '') + format.format(exact as Intl.StringNumericLiteral).replace('-', MINUS);
}

/** How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD. */
export function decimalsOf(currency: string): number {
  return formatOf(currency, false).resolvedOptions().maximumFractionDigits ?? 2;
}

/** As it stands in a field to be typed over: "1234.50" in the person's own decimal mark, no grouping. */
export function editMoney(money: Money): string {
  return decimal(money).replace('.', decimalMark());
}

/**
 * Reads an amount as typed, in the person's own way of writing or plainly: "$1,234.50", "1234.5", "1.234,50".
 * Nothing that could mean two amounts is read: then it is `null`.
 */
export function parseMoney(text: string, currency: string): Money | null {
  const decimals = decimalsOf(currency);
  const bare = text.replace(/[\s\u00a0\u202f'’\p{Sc}\p{L}]/gu, '').replace(MINUS, '-');
  const found = /^(-?)([\d.,]+)$/.exec(bare);
  if (!found?.[2]) return null;
  const parts = split(found[2], decimals);
  if (!parts) return null;
  const [whole, fraction] = parts;
  if (fraction.length > decimals && /[1-9]/.test(fraction.slice(decimals))) return null;
  const minor = Number(whole + fraction.slice(0, decimals).padEnd(decimals, '0'));
  if (!Number.isSafeInteger(minor) || minor > MINOR_MAX) return null;
  return { minor: found[1] && minor !== 0 ? -minor : minor, currency };
}

/** Whole and fraction digits; groups must be groups of three, and the last mark decides only when it can mean one thing. */
function split(digits: string, decimals: number): [string, string] | null {
  const marks = digits.match(/[.,]/g) ?? [];
  if (marks.length === 0) return [digits, ''];
  const last = marks[marks.length - 1] as string;
  const at = digits.lastIndexOf(last);
  const own = decimalMark();
  const kinds = new Set(marks).size;
  const tail = digits.slice(at + 1);
  const isDecimal = kinds === 2 || (marks.length === 1 && (last === own || tail.length !== 3)) ? decimals > 0 || tail === '' : false;
  if (isDecimal) {
    const head = digits.slice(0, at);
    const other = last === '.' ? ',' : '.';
    if (!/\d/.test(digits) || head.includes(last) || !grouped(head, other)) return null;
    return [head.replaceAll(other, '') || '0', tail];
  }
  if (kinds !== 1 || !grouped(digits, last)) return null;
  // Where three decimals are usual "1.500" in the other mark is a fraction to whoever typed it: it means two amounts.
  const isForeign = marks.length === 1 && last !== own;
  if (decimals === GROUP && isForeign) return null;
  return [digits.replaceAll(last, ''), ''];
}

function grouped(digits: string, mark: string): boolean {
  if (!digits.includes(mark)) return /^\d*$/.test(digits);
  const [first = '', ...rest] = digits.split(mark);
  return /^[1-9]\d{0,2}$/.test(first) && rest.every((group) => /^\d{3}$/.test(group));
}

function decimal(money: Money): string {
  const decimals = decimalsOf(money.currency);
  const digits = String(Math.abs(money.minor)).padStart(decimals + 1, '0');
  const sign = money.minor < 0 ? '-' : '';
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function decimalMark(): string {
  const parts = new Intl.NumberFormat(locale()).formatToParts(1.5);
  return parts.find((part) => part.type === 'decimal')?.value ?? '.';
}

const formats = new Map<string, Intl.NumberFormat>();

function formatOf(currency: string, whole: boolean): Intl.NumberFormat {
  const key = `${locale()} ${currency} ${whole}`;
  let format = formats.get(key);
  if (!format) {
    const digits = whole ? { maximumFractionDigits: 0, minimumFractionDigits: 0 } : {};
    format = new Intl.NumberFormat(locale(), { style: 'currency', currency, ...digits });
    formats.set(key, format);
  }
  return format;
}
