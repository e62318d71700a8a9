// Recurring bills that were found in the invented household's transactions.
import type { SuggestionView } from '../bindings';
import { rule, usd, type WholeBill } from './bills';

const line = (id: string, on: string, minor: number, description: string, account_name = 'Tern Harbor Checking') => ({ transaction: `line-${id}`, account: 'account-checking', account_name, on, amount: usd(minor), description });

export const startingSuggestions = (): SuggestionView[] => [
  {
    id: 'suggestion-cloud',
    payee: 'Saltmarsh Cloud',
    amount: usd(299),
    varies: false,
    cadence: 'monthly',
    schedule: rule({ day: 3, starts_on: '2026-12-03' }),
    next_on: '2026-12-03',
    confidence: 96,
    missed: 0,
    lines: 7,
    evidence: [
      line('c1', '2026-11-03', 299, 'SALTMARSH CLOUD 448120'),
      line('c2', '2026-10-05', 299, 'POS DEBIT SALTMARSH CLOUD #0441'),
      line('c3', '2026-09-03', 249, 'SALTMARSH CLOUD 439004'),
      line('c4', '2026-08-03', 249, 'SALTMARSH CLOUD 430113'),
    ],
    biller: null,
    payable: false,
  },
  {
    id: 'suggestion-oil',
    payee: 'Greywater Heating',
    amount: usd(14210),
    varies: true,
    cadence: 'quarterly',
    schedule: rule({ every: 'quarter', day: 22, starts_on: '2027-01-22' }),
    next_on: '2027-01-22',
    confidence: 71,
    missed: 1,
    lines: 4,
    evidence: [line('o1', '2026-10-22', 15120, 'ACH WEB PMT GREYWATER HEATING ID:7120'), line('o2', '2026-07-22', 11890, 'GREYWATER HEATING REF 88120'), line('o3', '2026-01-22', 14210, 'GREYWATER HEATING 220114')],
    biller: null,
    payable: false,
  },
];

export function suggestedBill(one: SuggestionView, id: string): WholeBill {
  const rest = { reference: null, card: null, note: null, steps: [], cap: null, earlier: [], pauses: [], issue_days: null, grace_days: 0, lead_days: 0, zone: 'America/New_York' };
  return { ...rest, id, name: one.payee, amount: one.amount, estimated: one.varies, schedule: rule(one.schedule), biller: one.biller, remind_days: [5, 1], origin: one.id };
}
