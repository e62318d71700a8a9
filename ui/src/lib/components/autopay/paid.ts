// What is paid by itself: a bill, or a card of the server, as the screens of autopay need it.
import type { Messages } from '$lib/i18n';
import type { AutopayOf, AutopayView, BillView, CardView, Money } from '$lib/ipc/bindings';
import { accountLabel } from '$lib/state/account';

export type Paid = {
  of: AutopayOf;
  name: string;
  currency: string;
  /** What one payment comes to, as far as that is known. */
  expected: Money;
  /** The cap that its owner chose for it elsewhere. */
  cap: Money | null;
};

export const paidBill = ({ bill, amount }: BillView): Paid => ({
  of: { bill: bill.id },
  name: bill.name,
  currency: bill.amount.currency,
  expected: amount,
  cap: bill.cap ?? null,
});

/** A card without a statement is expected to ask for no more than may be owed. */
export function paidCard({ account, figures }: CardView, messages: Messages): Paid {
  const asked = figures.statement_balance ?? figures.current_balance;
  const known = asked && asked.minor > 0 ? asked : (account.card?.limit ?? { minor: 0, currency: account.currency });
  return { of: { card: account.id }, name: accountLabel(account, messages), currency: account.currency, expected: known, cap: null };
}

export const isCard = (of: AutopayOf): boolean => 'card' in of && of.card !== undefined;

export const isOf = (one: AutopayView, of: AutopayOf): boolean =>
  isCard(of) ? one.card === of.card : one.bill !== undefined && one.bill === of.bill;
