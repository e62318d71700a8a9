// The invented wallet of the served card: a reload, and a charge that it paid.
import type { WalletMoved, WalletView } from '../bindings';
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
  }));

const moved = (number: number, on: string, what: Pick<WalletMoved, 'kind' | 'amount' | 'description' | 'because'>): WalletMoved => ({
  ...what,
  id: `moved-${number}`,
  card: card.id,
  at: `${on}T12:00:00Z`,
  on,
});

/** What moved in it, newest first. */
export const startingMoves = (): WalletMoved[] => [
  moved(2, '2026-11-09', { kind: 'spent', amount: usd(-1150), description: 'Coffee beans', because: null }),
  moved(1, '2026-11-02', { kind: 'reload', amount: usd(5000), description: '', because: null }),
];

export const reloadingMoves = (): WalletMoved[] => [
  moved(4, '2026-11-11', { kind: 'spent', amount: usd(-7500), description: 'Reading lamp', because: null }),
  moved(3, '2026-11-10', { kind: 'reload', amount: usd(5000), description: '', because: { had: usd(1850), below: usd(2000) } }),
  ...startingMoves(),
];
