// The sentences of autopay, put together from its terms and what is known of what it leaves from.
import { formatDay, formatMoney } from '$lib/format';
import type { Messages } from '$lib/i18n';
import type { AutopayView, Cover } from '$lib/ipc/bindings';

type Words = Messages['autopay'];

export function termsWords(one: AutopayView, words: Words): string {
  const { terms } = one;
  const each = terms.amount.pay === 'fixed' ? words.paysFixed(formatMoney(terms.amount.amount)) : words.pays[terms.amount.pay];
  const end = terms.ends_on ? words.untilDay(formatDay(terms.ends_on)) : terms.payments ? words.times(terms.payments) : '';
  const parts = [each, words.upTo(formatMoney(terms.cap)), words.fromWhat(one.method_name ?? words.fromBalance), end];
  return `${parts.filter(Boolean).join(', ')}.`;
}

/** What it leaves from, and whether that bears it. */
export function coverWords(cover: Cover, words: Words): string {
  switch (cover.kind) {
    case 'bears':
      return words.bears(cover.from);
    case 'short':
      return words.shortBy(cover.from, formatMoney(cover.by));
    case 'drawn':
      return words.drawn(cover.from);
    case 'method_ends':
      return words.drawn(cover.from);
    case 'unknown':
      return '';
  }
}

export function coverTrouble(cover: Cover): 'method' | 'balance' | null {
  if (cover.kind === 'method_ends') return 'method';
  return cover.kind === 'short' ? 'balance' : null;
}

/** Something about it will not go by itself. */
export function needsPerson(one: AutopayView): boolean {
  if (one.state === 'failing' || one.state === 'changed') return true;
  const { next } = one;
  return next !== null && (next.asks === 'asks' || next.asks === 'will_ask' || coverTrouble(next.cover) !== null);
}
