// The sentences of autopay, put together from its terms and what is known of what it leaves from.
import { formatDay, formatMoney } from '$lib/format';
import type { Messages } from '$lib/i18n';
import type { AutopayView, Cover } from '$lib/ipc/bindings';
import { accountPath, billPath, paymentPath, WALLET_PATH } from '$lib/state/places';

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

/** Why something about it will not go by itself, and where that is seen to. */
export function troubleOf(one: AutopayView, words: Words): { text: string; path: string } | null {
  const own = one.bill ? billPath(one.bill, one.next?.due_on ?? null) : accountPath(one.card ?? '');
  if (one.state === 'failing' || one.state === 'changed') return { text: words.why[one.state], path: own };
  const { next } = one;
  if (!next) return null;
  if (next.asks === 'asks' || next.asks === 'will_ask') return { text: words.asks[next.asks](formatMoney(one.terms.cap)), path: paymentPath(next.payment) };
  const trouble = coverTrouble(next.cover);
  if (trouble === 'method') return { text: words.methodEnds, path: WALLET_PATH };
  return trouble ? { text: `${coverWords(next.cover, words)} ${words.short}`, path: paymentPath(next.payment) } : null;
}
