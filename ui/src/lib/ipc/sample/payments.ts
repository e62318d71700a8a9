// Payments of the invented world in every state that a screen must be able to show.
import type { PaymentView, PaymentViewState, Prerequisite, ReadinessView } from '../bindings';
import { usd } from './bills';

// The day of the invented world.
const TODAY = '2026-11-12';

type Made = { id: string; to: string; bill: string; minor: number; state: PaymentViewState; dueOn: string; sendsOn: string; by: string; reason?: string; cancel?: boolean };

function payment({ id, to, bill, minor, state, dueOn, sendsOn, by, reason, cancel = false }: Made): PaymentView {
  const made_at = `${sendsOn < '2026-11-12' ? sendsOn : '2026-11-05'}T14:10:00Z`;
  const sent = ['submitted', 'settled', 'final', 'returned'].includes(state);
  return {
    id: `payment-${id}`,
    method: null,
    to,
    amount: usd(minor),
    state,
    reason: reason ?? null,
    bill: `bill-${bill}`,
    due_on: dueOn,
    sends_on: sendsOn,
    cutoff_at: cancel ? `${sendsOn}T21:00:00Z` : null,
    expected_by: by,
    made_at,
    approve_by: null,
    held_until: null,
    autopay: ['fiber', 'rent-next'].includes(id),
    practice: false,
    rail: 'ach',
    travels: state === 'submitted' ? { days: (Date.parse(TODAY) - Date.parse(sendsOn)) / 86_400_000, late: TODAY > by } : null,
    can_cancel: cancel,
    again: null,
    history: [
      { state: 'scheduled', at: made_at },
      ...(sent ? [{ state: 'submitted' as const, at: `${sendsOn}T21:00:00Z` }] : []),
      ...(state !== 'scheduled' && state !== 'submitted' ? [{ state, at: `${by}T13:03:00Z` }] : []),
    ],
  };
}

export const startingPayments = (): PaymentView[] => [
  payment({ id: 'dental', to: 'Juniper Dental', bill: 'dental', minor: 10000, state: 'submitted', dueOn: '2026-11-25', sendsOn: '2026-11-10', by: '2026-11-13' }),
  payment({ id: 'loan', to: 'Brightwater Car Loans', bill: 'loan', minor: 26875, state: 'scheduled', dueOn: '2026-11-15', sendsOn: '2026-11-13', by: '2026-11-16', cancel: true }),
  payment({ id: 'mobile', to: 'Peregrine Mobile', bill: 'mobile', minor: 4200, state: 'scheduled', dueOn: '2026-11-18', sendsOn: '2026-11-17', by: '2026-11-18', cancel: true }),
  payment({ id: 'fiber', to: 'Lanternline Fiber', bill: 'fiber', minor: 5999, state: 'scheduled', dueOn: '2026-11-20', sendsOn: '2026-11-19', by: '2026-11-20', cancel: true }),
  payment({ id: 'student', to: 'Fairmont Student Loans', bill: 'student', minor: 14620, state: 'scheduled', dueOn: '2026-11-28', sendsOn: '2026-11-25', by: '2026-11-27', cancel: true }),
  payment({ id: 'rent-next', to: 'Alder Court', bill: 'rent', minor: 118000, state: 'scheduled', dueOn: '2026-12-01', sendsOn: '2026-11-30', by: '2026-12-01', cancel: true }),
  payment({ id: 'gas-back', to: 'Northfold Gas', bill: 'gas', minor: 5832, state: 'returned', dueOn: '2026-11-09', sendsOn: '2026-11-05', by: '2026-11-10', reason: 'R01' }),
  payment({ id: 'rent', to: 'Alder Court', bill: 'rent', minor: 118000, state: 'final', dueOn: '2026-11-01', sendsOn: '2026-10-29', by: '2026-10-30' }),
  payment({ id: 'student-before', to: 'Fairmont Student Loans', bill: 'student', minor: 14620, state: 'final', dueOn: '2026-10-28', sendsOn: '2026-10-26', by: '2026-10-28' }),
];

/** One that waits for its passkey and one that is held, for the world where money needs more than a click. */
export const stoppedPayments = (): PaymentView[] => [
  {
    ...payment({ id: 'waits', to: 'Alder Court', bill: 'rent', minor: 118000, state: 'awaiting_approval', dueOn: '2026-12-01', sendsOn: '2026-11-30', by: '2026-12-01', reason: 'above_limit', cancel: true }),
    approve_by: '2026-11-13T14:45:00Z',
    history: [{ state: 'awaiting_approval', at: '2026-11-12T14:45:00Z' }],
  },
  {
    ...payment({ id: 'held', to: 'Juniper Dental', bill: 'dental', minor: 10000, state: 'held', dueOn: '2026-11-25', sendsOn: '2026-11-13', by: '2026-11-16', reason: 'new_payee', cancel: true }),
    held_until: '2026-11-13T02:45:00Z',
    history: [{ state: 'awaiting_approval', at: '2026-11-12T14:40:00Z' }, { state: 'held', at: '2026-11-12T14:45:00Z' }],
  },
  {
    ...payment({ id: 'unusual', to: 'Brightwater Auto', bill: 'loan', minor: 96000, state: 'awaiting_approval', dueOn: '2026-11-15', sendsOn: '2026-11-13', by: '2026-11-16', reason: 'risk', cancel: true }),
    approve_by: '2026-11-13T14:46:00Z',
    history: [{ state: 'awaiting_approval', at: '2026-11-12T14:46:00Z' }],
  },
];

/** What the server asks of whoever pays; these are missing. */
export function readiness(missing: Prerequisite[] = []): ReadinessView {
  const all: Prerequisite[] = ['good_standing', 'accepted_terms', 'confirmed_email', 'passkey', 'funding_account', 'money'];
  const terms = { version: '2026-11', address: 'https://accounts.alder-lane.example/terms' };
  return { ready: missing.length === 0, items: all.map((what) => ({ what, met: missing.includes(what) ? 'no' : 'yes', until: null })), terms };
}

/** Due dates that the person settled by word. */
export const paidByWord: [string, string][] = [
  ['bill-tv', '2026-11-08'],
  ['bill-loan', '2026-10-15'],
  ['bill-power', '2026-10-16'],
  ['bill-gym', '2026-10-17'],
  ['bill-mobile', '2026-10-18'],
  ['bill-card', '2026-10-19'],
  ['bill-fiber', '2026-10-20'],
  ['bill-auto', '2026-10-22'],
  ['bill-dental', '2026-10-25'],
  ['bill-music', '2026-10-27'],
];
