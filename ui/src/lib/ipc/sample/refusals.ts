// Changes of the invented world that its account server did not take.
import type { Refusal } from '../bindings';

const nothing = { id: null, name: null, due_on: null, typed: [], stands: [], lines: null, can_put_back: false };

export const startingRefusals = (): Refusal[] => [
  {
    ...nothing,
    id: 'refusal-edit',
    what: 'edit_bill',
    code: 'changed_meanwhile',
    at: '2026-11-12T14:39:00Z',
    name: 'Cobalt Ridge Power',
    typed: [
      { field: 'amount', text: null, amount: { minor: 9417, currency: 'USD' } },
      { field: 'note', text: 'Meter 4471', amount: null },
    ],
    stands: [{ field: 'amount', text: null, amount: { minor: 8150, currency: 'USD' } }],
    can_put_back: true,
  },
  { ...nothing, what: 'import', code: 'unsent_damaged', at: '2026-11-12T09:02:00Z' },
];
