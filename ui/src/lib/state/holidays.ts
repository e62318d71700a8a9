// Bank holidays in words. Whose banks are closed is said only where the bills follow more than one calendar.
import { formatList } from '$lib/format';
import type { Messages } from '$lib/i18n';
import type { HolidayView } from '$lib/ipc/bindings';

/** "Thanksgiving Day", or "Christmas Day (TARGET2 (euro) and England and Wales)" beside holidays of other banks. */
export function holidayText(of: readonly HolidayView[], all: readonly HolidayView[], messages: Messages): string {
  const several = new Set(all.flatMap((one) => one.calendars)).size > 1;
  const banks = (one: HolidayView) => formatList(one.calendars.map((calendar) => messages.bills.form.calendars[calendar]));
  return formatList(of.map((one) => (several ? `${one.name} (${banks(one)})` : one.name)));
}
