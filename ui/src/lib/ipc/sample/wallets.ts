// The invented wallet of the served card: a reload, and a charge that it paid.
import type { WalletView } from '../bindings';
import { card } from './accounts';
import { usd } from './bills';

export const startingWallets = (): WalletView[] => [
  {
    card: card.id,
    card_name: card.name,
    status: 'active',
    balance: usd(3850),
    held: usd(0),
    at_checkout: false,
    reload_least: usd(500),
    reload_most: usd(50000),
    no_reload: null,
    auto_reload: null,
    auto_limits: { least: usd(500), most: usd(50000), month_most: usd(200000) },
    recent: [
      { id: 'moved-2', kind: 'spent', amount: usd(-1150), description: 'Coffee beans', because: null, on: '2026-11-09' },
      { id: 'moved-1', kind: 'reload', amount: usd(5000), description: '', because: null, on: '2026-11-02' },
    ],
  },
];

/** The wallet of the world "?world=frozen": reloaded by itself, and then not, for the card is frozen. */
export const reloadingWallets = (): WalletView[] =>
  startingWallets().map((one) => ({
    ...one,
    status: 'frozen',
    reload_least: null,
    reload_most: null,
    no_reload: 'card_frozen',
    balance: usd(1350),
    held: usd(1150),
    at_checkout: true,
    auto_reload: {
      terms: { below: usd(2000), amount: usd(5000), month_most: usd(20000) },
      waits: { declined: 'frozen', until: '2026-11-13T09:05:00Z' },
    },
    recent: [
      { id: 'moved-4', kind: 'spent', amount: usd(-7500), description: 'Reading lamp', because: null, on: '2026-11-11' },
      { id: 'moved-3', kind: 'reload', amount: usd(5000), description: '', because: { had: usd(1850), below: usd(2000) }, on: '2026-11-10' },
      ...one.recent,
    ],
  }));
