import type { Purchase } from '$lib/ipc/bindings';

/** What may still be disputed of a purchase, by the card and its wallet; an older server says nothing of it. */
export const disputable = ({ disputable, disputable_of_wallet, captured, refunded }: Purchase) =>
  (disputable?.minor ?? captured.minor - refunded.minor) + (disputable_of_wallet?.minor ?? 0);
