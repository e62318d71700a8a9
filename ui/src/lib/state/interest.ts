// What the core knows of a card's interest, as far as a screen may say it.
import type { Money, PayoffView } from '$lib/ipc/bindings';

/** What the next payment must be so that no interest is charged; absent where none can be avoided any more. */
export function avoidsInterest(payoff: PayoffView | null): Money | null {
  const amount = payoff?.kind === 'ready' ? payoff.avoids_interest : null;
  return amount && amount.minor > 0 ? amount : null;
}

/** The interest that is charged when this cycle closes although the minimum was paid. */
export function minimumCosts(payoff: PayoffView | null): { amount: Money; on: string } | null {
  const first = payoff?.kind === 'ready' ? payoff.minimum.months[0] : undefined;
  return first && first.interest.minor > 0 ? { amount: first.interest, on: first.on } : null;
}
