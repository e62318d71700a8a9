// Invented payment methods: a card that ends soon, with a payment that would fail with it, and a bank account.
import type { MethodView } from '../bindings';

const ADDED = '2026-03-02T09:06:00Z';

export function startingMethods(): MethodView[] {
  return [
    {
      method: { id: 'method-heron', kind: 'card', brand: 'Heron', last_four: '4471', expiry: { year: 2026, month: 11 }, is_default: true, frozen: false, added_at: ADDED, usable_from: ADDED },
      name: 'Heron ··4471',
      health: { state: 'expires_soon', on: '2026-11-30' },
      waits_until: null,
      leaving: [{ payment: 'payment-loan', to: 'Brightwater car loan', amount: { minor: 28640, currency: 'USD' }, on: '2026-12-01', stops: true }],
      autopays: [{ bill: 'bill-fiber', name: 'Lanternline Fiber', stops: true }],
    },
    {
      method: { id: 'method-harbor', kind: 'bank_account', brand: 'Harbor Practice Bank', last_four: '5678', expiry: null, is_default: false, frozen: false, added_at: ADDED, usable_from: ADDED },
      name: 'Harbor Practice Bank ··5678',
      health: { state: 'good' },
      waits_until: null,
      leaving: [],
      autopays: [],
    },
  ];
}
