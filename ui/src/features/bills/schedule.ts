// A schedule in words.
import { formatDay, formatFullDay, formatShortDay, locale } from '$lib/format';
import type { Messages } from '$lib/i18n';
import type { Schedule } from '$lib/ipc/bindings';

export function scheduleText(schedule: Schedule, messages: Messages): string {
  const { every, interval, starts_on: starts } = schedule;
  const words = messages.bills.every;
  const day = schedule.day ?? Number(starts.slice(8, 10));
  switch (every) {
    case 'once':
      return words.once(formatDay(starts));
    case 'day':
      return words.day(interval);
    case 'week':
      return words.week(interval);
    case 'month':
      return words.month(interval, day);
    case 'quarter':
      return words.quarter(interval, day);
    case 'year':
      return words.year(interval, formatShortDay(starts, starts));
  }
}

export function endText(schedule: Schedule, messages: Messages): string {
  return schedule.ends_on && schedule.every !== 'once' ? messages.bills.ends(formatFullDay(schedule.ends_on)) : '';
}

/** "Reminds 5 and 1 days before": the leads of a bill. */
export function remindText(days: readonly number[], messages: Messages): string {
  const words = messages.bills;
  const before = days.filter((day) => day > 0);
  const onDay = before.length < days.length;
  if (before.length === 0) return onDay ? words.remindsOnDay : words.remindsNone;
  const list = new Intl.ListFormat(locale(), { type: 'conjunction' }).format(before.map(String));
  return words.reminds(list, before.length === 1 ? (before[0] ?? 1) : before.length) + (onDay ? words.remindsAlso : '');
}
