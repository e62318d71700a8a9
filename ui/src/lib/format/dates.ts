// Civil dates and instants as people read them. A civil date has no zone and never moves by one.
import { locale } from './locale';

type Civil = string;

/** "Thu, Nov 19"; another year than this one is written out. */
export function formatDay(day: Civil, today: Civil = todayHere()): string {
  const year = sameYear(day, today) ? {} : ({ year: 'numeric' } as const);
  return whole(civil(day, { weekday: 'short', month: 'short', day: 'numeric', ...year }));
}

/** "Nov 19", "Nov 19, 2025". */
export function formatShortDay(day: Civil, today: Civil = todayHere()): string {
  const year = sameYear(day, today) ? {} : ({ year: 'numeric' } as const);
  return whole(civil(day, { month: 'short', day: 'numeric', ...year }));
}

/** "Oct 25, 2026": where the year is part of the name. */
export function formatFullDay(day: Civil): string {
  return whole(civil(day, { year: 'numeric', month: 'short', day: 'numeric' }));
}

/** "November 2026". */
export function formatMonth(day: Civil): string {
  return capital(civil(day, { year: 'numeric', month: 'long' }));
}

/** "Nov 2026": where there is little room. */
export function formatMonthOfYear(day: Civil): string {
  return civil(day, { year: 'numeric', month: 'short' });
}

/** "Nov". */
export function formatMonthShort(day: Civil): string {
  return civil(day, { month: 'short' });
}

/** "12". */
export function formatDayNumber(day: Civil): string {
  return String(Number(day.slice(8, 10)));
}

/** "9:41 am", in this computer's zone. */
export function formatTime(instant: string): string {
  return tidy(new Intl.DateTimeFormat(locale(), { hour: 'numeric', minute: '2-digit' }).format(new Date(instant)));
}

/** "9:41 am" today, otherwise "Thu, Nov 19, 9:41 am". */
export function formatMoment(instant: string, today: Civil = todayHere()): string {
  const day = dayOf(new Date(instant));
  return day === today ? formatTime(instant) : `${formatDay(day, today)}, ${formatTime(instant)}`;
}

/** "4:00 pm Eastern Time": a time that decides names its zone, the same all the year; with its day where that is not beside it. */
export function formatCutoff(instant: string, withDay = false): string {
  const format = new Intl.DateTimeFormat(locale(), { hour: 'numeric', minute: '2-digit', timeZoneName: 'longGeneric' });
  const time = tidy(format.format(new Date(instant)));
  const day = dayOf(new Date(instant));
  return withDay && day !== todayHere() ? `${formatDay(day)}, ${time}` : time;
}

/** "3rd" as CLDR counts; languages that need no ordinal give the plain number. */
export function ordinal(n: number, endings: Partial<Record<Intl.LDMLPluralRule, string>>): string {
  const rule = new Intl.PluralRules(locale(), { type: 'ordinal' }).select(n);
  return `${n}${endings[rule] ?? endings.other ?? ''}`;
}

/** Short names of the seven days, from the locale's own first day of the week. */
export function weekdays(): { short: string; long: string }[] {
  const first = firstWeekday();
  return Array.from({ length: 7 }, (_, i) => {
    // 2023-01-01 was a Sunday.
    const day = addDays('2023-01-01', (first + i) % 7);
    return { short: civil(day, { weekday: 'short' }), long: civil(day, { weekday: 'long' }) };
  });
}

/** "Friday", for a weekday by its place after Monday. */
export function formatWeekday(fromMonday: number): string {
  // 2024-01-01 was a Monday.
  return civil(addDays('2024-01-01', fromMonday), { weekday: 'long' });
}

/** "Monday, Wednesday, and Friday", in the language's own way. */
export function formatList(words: readonly string[]): string {
  return new Intl.ListFormat(locale(), { type: 'conjunction' }).format(words);
}

/** "November". */
export function formatMonthName(day: Civil): string {
  return civil(day, { month: 'long' });
}

/** The weeks that hold a month, each from the locale's first day; neighbours' days included. */
export function weeksOf(month: Civil): Civil[][] {
  const first = `${month.slice(0, 7)}-01`;
  const back = (weekdayOf(first) - firstWeekday() + 7) % 7;
  const weeks: Civil[][] = [];
  let day = addDays(first, -back);
  do {
    weeks.push(Array.from({ length: 7 }, (_, i) => addDays(day, i)));
    day = addDays(day, 7);
  } while (day.slice(0, 7) === month.slice(0, 7));
  return weeks;
}

export function isWeekend(day: Civil): boolean {
  return weekdayOf(day) === 0 || weekdayOf(day) === 6;
}

export function addDays(day: Civil, count: number): Civil {
  const date = utc(day);
  date.setUTCDate(date.getUTCDate() + count);
  return date.toISOString().slice(0, 10);
}

export function addMonths(month: Civil, count: number): Civil {
  const date = utc(`${month.slice(0, 7)}-01`);
  date.setUTCMonth(date.getUTCMonth() + count);
  return date.toISOString().slice(0, 10);
}

/** The day of a moment where the person is: a moment itself is written in UTC. */
export function dayHere(instant: string): Civil {
  return dayOf(new Date(instant));
}

export function todayHere(): Civil {
  return dayOf(now());
}

/** This moment, as the shell writes one. */
export function nowHere(): string {
  return now().toISOString();
}

let now = () => new Date();

/** Lets tests and pictures stand on a fixed day. */
export function setNow(clock: () => Date): void {
  now = clock;
}

function dayOf(date: Date): Civil {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function sameYear(a: Civil, b: Civil): boolean {
  return a.slice(0, 4) === b.slice(0, 4);
}

function utc(day: Civil): Date {
  return new Date(`${day}T00:00:00Z`);
}

function weekdayOf(day: Civil): number {
  return utc(day).getUTCDay();
}

function firstWeekday(): number {
  const tag = new Intl.Locale(locale()) as Intl.Locale & { getWeekInfo?: () => { firstDay: number }; weekInfo?: { firstDay: number } };
  const info = tag.getWeekInfo?.() ?? tag.weekInfo;
  // Where the web view does not know, the week begins on Monday, but for the regions that begin on Sunday.
  return (info?.firstDay ?? (['US', 'CA', 'MX', 'BR', 'JP'].includes(tag.maximize().region ?? '') ? 7 : 1)) % 7;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function civil(day: Civil, options: Intl.DateTimeFormatOptions): string {
  const key = `${locale()} ${Object.entries(options).flat().join()}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(locale(), { ...options, timeZone: 'UTC' });
    formats.set(key, format);
  }
  return format.format(utc(day));
}

// English reads calmer as "am"; other languages keep what CLDR gives.
function tidy(text: string): string {
  return whole(text).replace(/\b(AM|PM)\b/, (half) => half.toLowerCase());
}

/** A line breaks after a comma, never between a day and its month or an hour and its half of the day. */
function whole(text: string): string {
  return text.replace(/(?<!,)[ \u202f]/g, '\u00a0');
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase(locale()) + text.slice(1);
}
