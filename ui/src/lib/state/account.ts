import type { Messages } from '$lib/i18n';
import type { Account, AccountView, Bill, CardView, MethodView, PaymentView } from '$lib/ipc/bindings';

/** "Harbor Card ··4417": never more of a number than its last characters. */
export function accountLabel(account: Pick<Account, 'name' | 'mask'>, messages: Messages): string {
  // An imported account may bear the last digits in its name already.
  const adds = account.mask && !account.name.includes(account.mask);
  return adds ? `${account.name} ${messages.app.masked(account.mask ?? '')}` : account.name;
}

/** What a payment leaves from: its method, else the account that the server keeps in its currency and that is no card. Empty while that is not known. */
export function sourceOf(payment: PaymentView, methods: readonly MethodView[] | null, accounts: readonly AccountView[] | null, messages: Messages): string {
  if (payment.method !== null) return methods?.find((one) => one.method.id === payment.method)?.name ?? '';
  const kept = accounts?.find(({ account }) => account.keeping === 'served' && !account.card && account.currency === payment.amount.currency)?.account;
  return kept ? accountLabel(kept, messages) : accounts ? messages.payments.pay.balance : '';
}

/** The card of this server whose payment it is: it is paid as a card is. */
export function servedCardOf(bill: Pick<Bill, 'card'>, cards: readonly CardView[]): Account | null {
  if (!bill.card) return null;
  return cards.find(({ account }) => account.id === bill.card && account.card)?.account ?? null;
}
