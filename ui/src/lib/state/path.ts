// The way of a payment as steps: what happened with its time, where it is now, what comes.
import type { PaymentView, PaymentViewState } from '$lib/ipc/bindings';
import type { IconName } from '$lib/components/icons';
import { formatCutoff, formatDay, formatMoment } from '$lib/format';
import { explain, type Messages } from '$lib/i18n';
import { returnClassOf } from './returns';
import { hasFailed, isSettled } from './standing';

export type Step = { when: 'done' | 'now' | 'next' | 'failed'; icon: IconName; title: string; about: string };

export function pathOf(payment: PaymentView, messages: Messages): Step[] {
  const words = messages.payments;
  const steps: Step[] = [];
  const last = payment.history.length - 1;
  const kept = payment.history[0]?.state === 'not_sent';
  if (!kept && payment.state === 'not_sent') {
    steps.push({ when: 'done', icon: 'paid', title: words.step.kept, about: `${formatMoment(payment.made_at)}. ${words.step.keptHelp}` });
  }
  payment.history.forEach((step, at) => {
    const now = at === last;
    const failed = now && hasFailed(payment);
    // It was waited for until the next step: that is when the yes came.
    const approvedAt = step.state === 'awaiting_approval' ? payment.history[at + 1]?.at : undefined;
    const title = titleOf(step.state, payment.history[at + 1]?.state, messages);
    const help = step.state === 'not_sent' ? words.step.keptHelp : '';
    const waits = now && step.state === 'awaiting_approval';
    const why = failed || waits ? reasonText(payment, messages) : now && step.state === 'unknown' ? words.step.unknownHelp : step.state === 'final' ? words.step.finalHelp : '';
    const done = !now || isSettled(payment.state) || step.state === 'not_sent' || step.state === 'scheduled';
    steps.push({
      when: failed ? 'failed' : done ? 'done' : 'now',
      icon: failed ? 'failed' : done ? (step.state === 'cancelled' ? 'skipped' : 'paid') : 'pending',
      title,
      about: sentences(formatMoment(approvedAt ?? step.at), help, why, waits && payment.approve_by ? words.approveBy(formatMoment(payment.approve_by)) : ''),
    });
  });
  return [...steps, ...coming(payment, messages)];
}

function coming(payment: PaymentView, messages: Messages): Step[] {
  const words = messages.payments.step;
  if (isSettled(payment.state)) return [];
  const steps: Step[] = [];
  if (payment.state === 'not_sent') {
    steps.push({ when: 'now', icon: 'offline', title: words.connection, about: words.connectionHelp });
  }
  const before = ['not_sent', 'awaiting_approval', 'scheduled', 'held', 'insufficient'].includes(payment.state);
  if (before) {
    const day = payment.sends_on ? formatDay(payment.sends_on) : '';
    const cutoff = payment.cutoff_at ? words.cutoff(formatCutoff(payment.cutoff_at)) : '';
    steps.push({ when: 'next', icon: 'send', title: words.send, about: [day, cutoff].filter(Boolean).join(', ') });
  }
  const by = payment.expected_by ? words.arrivesBy(formatDay(payment.expected_by)) : '';
  return [...steps, { when: 'next', icon: 'due', title: words.arrives, about: by }];
}

/** Parts that are there, each a sentence; some end with their full stop already. */
function sentences(...parts: string[]): string {
  const kept = parts.filter(Boolean);
  return kept.map((part, at) => (at < kept.length - 1 ? `${part.replace(/\.$/, '')}. ` : part)).join('');
}

/** What was waited for until then says how it ended: approved, unless nothing came of it. */
function titleOf(state: PaymentViewState, then: PaymentViewState | undefined, messages: Messages): string {
  const words = messages.payments;
  if (state === 'not_sent') return words.step.kept;
  if (state !== 'awaiting_approval' || !then) return words.state[state];
  return then === 'cancelled' || then === 'expired' || then === 'failed' ? words.step.waited : words.step.approved;
}

/** A reason may be a code of a bank, one of the codes that have words, or words already. */
export function reasonText(payment: PaymentView, messages: Messages): string {
  if (!payment.reason) return '';
  const returned = returnClassOf(payment.reason);
  if (returned) return messages.payments.returned[returned](payment.reason);
  const why = messages.payments.why[payment.reason];
  if (why) return why;
  const { title, next } = explain({ code: payment.reason, message: payment.reason, next: '' });
  return next ? `${title} ${next}` : messages.payments.reason(payment.reason);
}
