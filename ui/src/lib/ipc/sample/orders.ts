// What was ordered with the served card: one arrived and partly returned, one on its way in two parcels.
import type { Order, OrderState, OrderView, Parcel } from '../bindings';
import { card } from './accounts';
import { usd } from './bills';

const address = ['Ines Calloway', '12 Alder Court', 'Tern Harbor, MA 02118'];

const parcel = (on: string, items: [number, number][], step: string | null, arrived_on: string | null = null): Parcel => ({
  contents: items.map(([item, quantity]) => ({ item, quantity })),
  on,
  arrived_on,
  carrier: 'Harbor Post',
  tracking: null,
  step,
});

function view(order: Order, state: OrderState): OrderView {
  const { items, shipping, tax, discount } = order.told;
  const total = items.reduce((sum, item) => sum + item.amount.minor, shipping.minor + tax.minor - discount.minor);
  return { order, state, total: usd(total), charged: usd(order.charges.reduce((sum, charge) => sum + charge.amount.minor, 0)), charged_by_wallet: usd(order.charges.reduce((sum, charge) => sum + (charge.by_wallet?.minor ?? 0), 0)), never_sent: [] };
}

export const startingOrders = (): OrderView[] => [
  view(
    {
      id: 'order-2',
      card: card.id,
      merchant: 'Quillmere',
      told: {
        revision: 2,
        purchase: 'purchase-0',
        number: 'Q-20881',
        placed_at: '2026-11-12T14:12:00Z',
        address,
        items: [
          { name: 'Reading lamp', quantity: 1, amount: usd(4200) },
          { name: 'Bulbs, pack of 4', quantity: 2, amount: usd(1800) },
        ],
        shipping: usd(490),
        tax: usd(0),
        discount: usd(0),
        cancelled: false,
        shipments: [parcel('2026-11-12', [[1, 2]], null)],
        returns: [],
      },
      charges: [],
    },
    'partly_shipped',
  ),
  view(
    {
      id: 'order-1',
      card: card.id,
      merchant: 'Quillmere',
      told: {
        revision: 4,
        purchase: 'purchase-10',
        number: 'Q-20614',
        placed_at: '2026-11-01T18:30:00Z',
        address,
        items: [
          { name: 'Desk chair', quantity: 1, amount: usd(6176) },
          { name: 'Cushion', quantity: 1, amount: usd(3199) },
        ],
        shipping: usd(0),
        tax: usd(0),
        discount: usd(500),
        cancelled: false,
        shipments: [parcel('2026-11-02', [[0, 1], [1, 1]], 'step-1', '2026-11-03')],
        returns: [parcel('2026-11-05', [[1, 1]], 'step-2')],
      },
      charges: [
        { step: 'step-1', amount: usd(8875), on: '2026-11-02' },
        { step: 'step-2', amount: usd(-3199), on: '2026-11-05' },
      ],
    },
    'partly_returned',
  ),
];
