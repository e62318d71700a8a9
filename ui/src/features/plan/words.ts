// Why a payment leaves on its day, and how often pay comes, in words.
import { formatDay, formatShortDay, formatWeekday } from '$lib/format';
import type { Messages } from '$lib/i18n';
import type { Income, PayCycle, PlannedView } from '$lib/ipc/bindings';

export function whyText(one: PlannedView, incomes: readonly Income[], messages: Messages): string {
  const words = messages.plan.why;
  switch (one.why.why) {
    case 'ordered':
      return words.ordered;
    case 'after_pay': {
      const { pay_day: day, income: id } = one.why;
      const name = incomes.find((income) => income.id === id)?.name ?? '';
      // When it leaves before the day it is due for a reason of its own, that day says more than the due date.
      return one.pay_by < one.falls_on ? words.afterPayBefore(name, formatShortDay(day), formatDay(one.pay_by)) : words.afterPay(name, formatShortDay(day));
    }
    case 'no_pay_before':
      return words.noPayBefore(formatDay(one.pay_by));
    case 'at_the_last':
      return words.atTheLast;
    case 'too_late':
      return words.tooLate;
  }
}

export function cycleText(cycle: PayCycle, messages: Messages): string {
  const words = messages.plan.cycle;
  switch (cycle.kind) {
    case 'weekly':
      return words.weekly(weekdayOf(cycle.anchor));
    case 'two_weekly':
      return words.twoWeekly(weekdayOf(cycle.anchor));
    case 'semi_monthly':
      return words.semiMonthly(cycle.first, cycle.second);
    case 'monthly':
      return words.monthly(cycle.day);
    case 'last_working_day':
      return words.lastWorkingDay;
  }
}

function weekdayOf(day: string): string {
  return formatWeekday((new Date(day).getUTCDay() + 6) % 7);
}
