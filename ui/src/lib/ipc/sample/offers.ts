// How a purchase of the sample world may be paid over time. Its figures are simple enough to be worked out here.
import type { PlanOffer, PlanOfferView, Purchase } from '../bindings';
import { usd } from './bills';

const FLOOR = 5_000;
const YEARLY = 0.2799;
const today = '2026-11-12';

function view(purchase: Purchase, left: number, offer: PlanOffer): PlanOfferView {
  const equal = offer.equal_payments?.months;
  const months = equal ?? offer.deferred_interest?.months ?? 0;
  const ends_on = new Date(Date.UTC(2026, 10 + months, 12)).toISOString().slice(0, 10);
  const days = Math.round((Date.parse(ends_on) - Date.parse(today)) / 86_400_000);
  const each = usd(Math.ceil(left / months));
  const at_risk = equal ? 0 : Math.round((left * YEARLY * (days + 1)) / 365);
  return {
    offer,
    plan: {
      id: `plan-${purchase.id}`,
      name: purchase.description,
      kind: equal ? { equal_payments: { monthly: each } } : { deferred_interest: { ends_on, accrued: usd(0) } },
      apr: equal ? 0 : 279_900,
      amount: usd(left),
      opened_on: today,
      left: usd(left),
      left_on: today,
    },
    figures: {
      paid: usd(0),
      days_left: equal ? null : days,
      payments_left: months,
      payments: equal ?? null,
      each,
      last: usd(left - each.minor * (months - 1)),
      last_on: ends_on,
      accrued: usd(0),
      at_risk: usd(at_risk),
      ended: false,
      is_estimate: false,
    },
  };
}

export function offersFor(purchase: Purchase): PlanOfferView[] {
  const left = purchase.held.minor + purchase.captured.minor - purchase.refunded.minor;
  if (left < FLOOR || purchase.declined || purchase.disputed_at || purchase.plan) return [];
  const all: PlanOffer[] = [
    { equal_payments: { months: 6 } },
    { equal_payments: { months: 12 } },
    { deferred_interest: { months: 6 } },
    { deferred_interest: { months: 12 } },
  ];
  return all.map((offer) => view(purchase, left, offer));
}
