// What happened to the ways into the invented account.
import type { RiskDecisionView, SecurityEvent, SecurityEventKind, SupportCaseView } from '../bindings';

const entries: [SecurityEventKind, string, string | null, string | null][] = [
  ['account_created', '2026-03-02T09:00:00Z', null, null],
  ['passkey_added', '2026-03-02T09:00:10Z', null, null],
  ['device_added', '2026-03-02T09:01:00Z', 'device-1', 'Alder, desk'],
  ['passkey_added', '2026-03-02T09:04:00Z', null, 'Blue security key'],
  ['signed_in', '2026-11-10T18:04:00Z', 'device-1', 'Alder, desk'],
  ['device_added', '2026-11-12T08:12:00Z', 'device-3', 'Fedora laptop'],
];

export function startingEvents(): SecurityEvent[] {
  return entries.map(([kind, at, device, name], index) => ({ number: index + 1, at, kind, by: device, device, name, about: null, hash: String(index + 1).padStart(64, '0') }));
}

const lisbon = { country: 'PT', city: 'Lisbon' };
const boston = { country: 'US', city: 'Boston' };

export const startingDecisions: Omit<RiskDecisionView, 'mine'>[] = [
  {
    id: 'decision-2',
    at: '2026-11-12T08:12:00Z',
    last_at: '2026-11-12T14:40:00Z',
    occasion: 'sign_in',
    device: 'device-3',
    payment: null,
    place: lisbon,
    score: 74,
    verdict: 'hold',
    reasons: [{ reason: 'impossible_travel', points: 30 }, { reason: 'country_new', points: 24 }, { reason: 'device_new', points: 20 }],
    event: 6,
  },
  {
    id: 'decision-1',
    at: '2026-10-02T23:40:00Z',
    last_at: '2026-10-02T23:40:00Z',
    occasion: 'approval',
    device: 'device-1',
    payment: null,
    place: boston,
    score: 16,
    verdict: 'allow',
    reasons: [{ reason: 'payee_new', points: 10 }, { reason: 'odd_hour', points: 6 }],
    event: null,
  },
];

export function startingCases(): SupportCaseView[] {
  const request = { id: 'request-1', operation: 'cancel_payment', asked_by: 'Rowan', asked_at: '2026-11-03T15:10:00Z', decided_by: 'Alder', granted: true } as const;
  return [{ number: 1042, kind: 'call', opened_at: '2026-11-03T15:02:00Z', open: false, requests: [request] }];
}

/** A payment that is unlike what the person usually does. */
export const unusualPayment: Omit<RiskDecisionView, 'mine'> = {
  id: 'decision-payment',
  at: '2026-11-12T14:46:00Z',
  last_at: '2026-11-12T14:46:00Z',
  occasion: 'approval',
  device: 'device-1',
  payment: 'payment-unusual',
  place: null,
  score: 44,
  verdict: 'step_up',
  reasons: [{ reason: 'amount_far_above', points: 26 }, { reason: 'odd_hour', points: 18 }],
  event: null,
};
