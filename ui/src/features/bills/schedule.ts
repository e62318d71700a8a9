// A schedule in words.
import { formatDay, formatFullDay, formatList, formatMonthName, formatShortDay, formatWeekday } from '$lib/format';
import type { Messages } from '$lib/i18n';
import type { Nth, Schedule, Weekday } from '$lib/ipc/bindings';

/** As the core orders them. */
export const WEEKDAYS: readonly Weekday[] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

export function weekdayName(weekday: Weekday): string {
  return formatWeekday(WEEKDAYS.indexOf(weekday));
}

export function scheduleText(schedule: Schedule, messages: Messages): string {
  const roll = schedule.roll ?? 'stays';
  return ruleText(schedule, messages) + (roll === 'stays' ? '' : messages.bills.every.rolls[roll]);
}

function ruleText(schedule: Schedule, messages: Messages): string {
  const { every, interval, nth, starts_on: starts } = schedule;
  const words = messages.bills.every;
  const day = schedule.day ?? Number(starts.slice(8, 10));
  switch (every) {
    case 'once':
      return words.once(formatDay(starts));
    case 'day':
      return words.day(interval);
    case 'week':
      return schedule.weekdays?.length ? words.weekOn(interval, weekdaysText(schedule.weekdays)) : words.week(interval);
    case 'month':
      return nth ? words.monthOn(interval, nthText(nth, messages)) : words.month(interval, day);
    case 'quarter':
      return nth ? words.quarterOn(interval, nthText(nth, messages)) : words.quarter(interval, day);
    case 'year':
      return nth ? words.yearOn(interval, nthText(nth, messages), formatMonthName(starts)) : words.year(interval, formatShortDay(starts, starts));
  }
}

function weekdaysText(weekdays: readonly Weekday[]): string {
  return formatList(WEEKDAYS.filter((day) => weekdays.includes(day)).map(weekdayName));
}

function nthText(nth: Nth, messages: Messages): string {
  const words = messages.bills.every;
  const place = words.place(nth.nth);
  return nth.of === 'weekday' ? words.nthWeekday(place, weekdayName(nth.weekday)) : words.nthWorkingDay(place);
}

export function endText(schedule: Schedule, messages: Messages): string {
  if (schedule.count !== null) return messages.bills.endsAfter(schedule.count);
  return schedule.ends_on && schedule.every !== 'once' ? messages.bills.ends(formatFullDay(schedule.ends_on)) : '';
}

/** "Reminds 5 and 1 days before": the leads of a bill. */
export function remindText(days: readonly number[], messages: Messages): string {
  const words = messages.bills;
  const before = days.filter((day) => day > 0);
  const onDay = before.length < days.length;
  if (before.length === 0) return onDay ? words.remindsOnDay : words.remindsNone;
  return words.reminds(formatList(before.map(String)), before.length === 1 ? (before[0] ?? 1) : before.length) + (onDay ? words.remindsAlso : '');
}
