// How an occurrence and a payment look: mark, icon and words always differ together.
import { formatSum, sumByCurrency } from '$lib/format';
import type { Money, OccurrenceView, PaymentView, PaymentViewState } from '$lib/ipc/bindings';
import type { IconName } from '$lib/components/icons';
import type { Messages } from '$lib/i18n';

export type Mark = 'overdue' | 'soon' | 'due' | 'estimated' | 'scheduled' | 'partial' | 'paid' | 'pending' | 'skipped';
export type Standing = { mark: Mark; icon: IconName; text: string; name: string };

export const SOON_DAYS = 7;

const settledStates: readonly PaymentViewState[] = ['settled', 'final', 'returned', 'rejected', 'failed', 'cancelled', 'expired', 'refused'];

export function isSettled(state: PaymentViewState): boolean {
  return settledStates.includes(state);
}

export const paymentMark: Record<PaymentViewState, readonly [Mark | 'held' | 'failed', IconName]> = {
  not_sent: ['pending', 'pending'],
  refused: ['failed', 'failed'],
  awaiting_approval: ['held', 'held'],
  scheduled: ['scheduled', 'scheduled'],
  held: ['held', 'held'],
  insufficient: ['failed', 'failed'],
  reserved: ['pending', 'pending'],
  submitting: ['pending', 'pending'],
  unknown: ['pending', 'pending'],
  submitted: ['pending', 'pending'],
  settled: ['paid', 'paid'],
  final: ['paid', 'paid'],
  returned: ['failed', 'failed'],
  rejected: ['failed', 'failed'],
  failed: ['failed', 'failed'],
  cancelled: ['skipped', 'skipped'],
  expired: ['failed', 'failed'],
};

/** Nothing covers it yet: it is late, or due and without a payment on its way. */
export function isOpen(one: OccurrenceView): boolean {
  return one.left.minor > 0 && (one.state === 'due' || one.state === 'overdue' || one.state === 'partly_paid');
}

/** All that covers it is kept here and was not sent: so far nobody was paid. */
export function isKept(one: OccurrenceView): boolean {
  return one.not_sent && one.state === 'scheduled';
}

export function needsYou(one: OccurrenceView): boolean {
  return (isOpen(one) || isKept(one)) && one.days <= SOON_DAYS;
}

/** What has to be paid yet; of one whose payment is kept here, all of it. */
export function owedNow(one: OccurrenceView): Money {
  return one.left.minor > 0 ? one.left : one.amount;
}

/** A payment covers it that the server has: it is scheduled there, or was sent. */
export function isUnderWay(one: OccurrenceView): boolean {
  return (one.state === 'scheduled' && !one.not_sent) || one.state === 'pending';
}

export type Stage = 'scheduled' | 'waiting' | 'sent';

/** How far a payment that has not settled is: its day comes, it waits for something, or it has left. */
export function stageOf(state: PaymentViewState): Stage {
  if (state === 'scheduled') return 'scheduled';
  return ['reserved', 'submitting', 'unknown', 'submitted'].includes(state) ? 'sent' : 'waiting';
}

/** "$310.75 scheduled, $100.00 sent": each stage with its sum, where something is in it. */
export function stagesText(payments: readonly { stage: Stage; amount: Money }[], messages: Messages): string {
  const stages: Stage[] = ['scheduled', 'sent', 'waiting'];
  return stages
    .map((stage) => formatSum(sumByCurrency(payments.filter((one) => one.stage === stage).map((one) => one.amount))))
    .flatMap((sum, at) => (sum ? [messages.state.stage[stages[at] as Stage](sum)] : []))
    .join(', ');
}

/** A payment that went no further and left its bill open. */
export function hasFailed(payment: PaymentView): boolean {
  return paymentMark[payment.state][0] === 'failed';
}

export function standingOf(one: OccurrenceView, messages: Messages): Standing {
  const words = messages.state;
  const make = (mark: Mark, icon: IconName, text: string, name = text): Standing => ({ mark, icon, text, name });
  if (one.not_sent && one.state !== 'paid') return make('pending', 'pending', words.notSent);
  switch (one.state) {
    case 'paid':
      return make('paid', 'paid', words.paid);
    case 'skipped':
      return make('skipped', 'skipped', words.skipped);
    case 'pending':
      return make('pending', 'pending', words.pending);
    case 'scheduled':
      return make('scheduled', 'scheduled', words.scheduled);
    case 'overdue':
      return make('overdue', 'overdue', words.late(-one.days), words.overdue);
    case 'partly_paid':
      return one.days < 0 ? make('overdue', 'overdue', words.late(-one.days), words.overdue) : make('partial', 'partial', words.partly);
    case 'due':
      if (one.days <= SOON_DAYS) return make('soon', 'soon', inDays(one.days, messages), words.dueSoon);
      return one.estimated ? make('estimated', 'estimated', words.estimated) : make('due', 'due', words.due, words.dueLater);
  }
}

function inDays(days: number, messages: Messages): string {
  if (days <= 0) return messages.state.today;
  return days === 1 ? messages.state.tomorrow : messages.state.inDays(days);
}
