// The invented wallet of the served card: a reload, and a charge that it paid.
import type { WalletView } from '../bindings';
import { card } from './accounts';
import { usd } from './bills';

export const startingWallets = (): WalletView[] => [
  {
    card: card.id,
    card_name: card.name,
    balance: usd(3850),
    at_checkout: false,
    reload_least: usd(500),
    reload_most: usd(50000),
    recent: [
      { id: 'moved-2', kind: 'spent', amount: usd(-1150), description: 'Coffee beans', on: '2026-11-09' },
      { id: 'moved-1', kind: 'reload', amount: usd(5000), description: '', on: '2026-11-02' },
    ],
  },
];
