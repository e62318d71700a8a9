// Invented bills that are paid by themselves: one that goes, one that is short, one that stopped. And a card of the server.
import type { AutopayView } from '../bindings';
import { usd } from './bills';

const terms = { amount: { pay: 'left' as const }, warn_above: null, method: null, days_before: 0, ends_on: null, payments: null };

/** Where the server issues the card, its statement is paid by itself. */
export const cardAutopay: AutopayView = {
  card: 'account-card',
  name: 'Quillmere Card',
  terms: { ...terms, amount: { pay: 'statement' }, cap: usd(150000), warn_above: usd(100000) },
  state: 'on',
  method_name: null,
  next: { payment: 'payment-card-next', amount: usd(128460), leaves_on: '2026-11-19', due_on: '2026-11-19', asks: 'warns', cover: { kind: 'short', from: 'Tern Harbor Checking', by: usd(17742) } },
  ordered: 1,
};

export const startingAutopays = (): AutopayView[] => [
  {
    bill: 'bill-rent',
    name: 'Alder Court, rent',
    terms: { ...terms, cap: usd(120000) },
    state: 'on',
    method_name: null,
    next: { payment: 'payment-rent-next', amount: usd(118000), leaves_on: '2026-11-30', due_on: '2026-12-01', asks: 'nothing', cover: { kind: 'short', from: 'Tern Harbor Checking', by: usd(7282) } },
    ordered: 1,
  },
  {
    bill: 'bill-fiber',
    name: 'Lanternline Fiber',
    terms: { ...terms, cap: usd(6500), warn_above: usd(5500), method: 'method-heron' },
    state: 'on',
    method_name: 'Heron ··4471',
    next: { payment: 'payment-fiber', amount: usd(5999), leaves_on: '2026-11-19', due_on: '2026-11-20', asks: 'warns', cover: { kind: 'drawn', from: 'Heron ··4471' } },
    ordered: 1,
  },
  { bill: 'bill-gas', name: 'Northfold Gas', terms: { ...terms, cap: usd(8000), days_before: 3 }, state: 'failing', method_name: null, next: null, ordered: 0 },
];
