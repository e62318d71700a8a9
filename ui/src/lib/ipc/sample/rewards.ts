// Invented rewards of the served card: one pending, one that may be used, one that ends soon, one taken back.
import type { RewardView, RewardsView } from '../bindings';
import { card } from './accounts';
import { usd } from './bills';

type Made = { at: number; description: string; charged: number; earned: number; on: string; from: string; through: string; state: RewardView['state']; left: number; clawed?: number; soon?: boolean };

function earned({ at, description, charged, earned, on, from, through, state, left, clawed = 0, soon = false }: Made): RewardView {
  const none = earned - clawed - left;
  return {
    reward: { charge: `step-${at}`, purchase: `purchase-${at}`, card: card.id, description, charged: usd(charged), earned: usd(earned), redeemed: usd(none), clawed_back: usd(clawed), given: usd(0), covered: usd(0), lapsed: usd(0), charged_on: on, available_on: from, good_through: through },
    state,
    left: usd(left),
    expires_soon: soon,
  };
}

export const startingRewards = (): RewardsView[] => [
  {
    card: card.id,
    card_name: card.name,
    status: 'active',
    pending: usd(189),
    available: usd(1464),
    expiring: usd(210),
    expires_after: '2026-12-10',
    owed: usd(0),
    usable: usd(1464),
    at_checkout: false,
    items: [
      earned({ at: 4, description: 'Fuel', charged: 10500, earned: 210, on: '2024-12-10', from: '2025-01-09', through: '2026-12-10', state: 'available', left: 210, soon: true }),
      earned({ at: 2, description: 'Weekly groceries', charged: 41800, earned: 1254, on: '2026-09-20', from: '2026-10-20', through: '2028-09-19', state: 'available', left: 1254 }),
      earned({ at: 1, description: 'Two oak shelves', charged: 18900, earned: 189, on: '2026-11-04', from: '2026-12-04', through: '2028-11-03', state: 'pending', left: 189 }),
      earned({ at: 3, description: 'Reading lamp', charged: 6400, earned: 64, on: '2026-08-02', from: '2026-09-01', through: '2028-08-01', state: 'spent', left: 0, clawed: 64 }),
    ],
    items_count: 4,
  },
];
