import type { Messages } from '$lib/i18n';
import type { Account, Bill, CardView } from '$lib/ipc/bindings';

/** "Harbor Card ··4417": never more of a number than its last characters. */
export function accountLabel(account: Pick<Account, 'name' | 'mask'>, messages: Messages): string {
  // An imported account may bear the last digits in its name already.
  const adds = account.mask && !account.name.includes(account.mask);
  return adds ? `${account.name} ${messages.app.masked(account.mask ?? '')}` : account.name;
}

/** The card of this server whose payment the bill is: it is paid as a card is. */
export function servedCardOf(bill: Pick<Bill, 'card'>, cards: readonly CardView[]): Account | null {
  if (!bill.card) return null;
  return cards.find(({ account }) => account.id === bill.card && account.card)?.account ?? null;
}
