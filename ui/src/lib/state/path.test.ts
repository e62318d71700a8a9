import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { getMessages, speak } from '$lib/i18n';
import type { PaymentView, PaymentViewState } from '$lib/ipc/bindings';
import { startingPayments } from '$lib/ipc/sample/payments';
import { pathOf, reasonText } from './path';
import { returnClassOf } from './returns';

const payment = (rest: Partial<PaymentView>): PaymentView => ({ ...startingPayments()[0]!, ...rest });
const reason = (code: string, state: PaymentViewState = 'returned') => reasonText(payment({ state, reason: code }), getMessages());

describe('why a payment came back', () => {
  it('is said in words, with the code last', () => {
    expect(reason('R01')).toBe('The account that it left from held too little (R01).');
    expect(reason('R03')).toMatch(/account details are wrong .*\(R03\)\.$/);
    expect(reason('MD01')).toMatch(/said no.*\(MD01\)\.$/);
    expect(reason('AM05')).toMatch(/second of two.*\(AM05\)\.$/);
    expect(reason('NARR', 'rejected')).toMatch(/\(NARR\)\.$/);
  });

  it('is said so in each language', () => {
    for (const language of ['de-DE', 'es-ES']) {
      speak([language]);
      for (const code of ['R01', 'R03', 'R05', 'R24', 'R99']) expect(reason(code)).toMatch(new RegExp(`^\\p{L}{2}.{15,} \\(${code}\\)\\.$`, 'u'));
    }
  });

  it('keeps the words of what is no code of a bank', () => {
    expect(reason('above_limit')).toBe('It is above your limit for one payment.');
    expect(reason('insufficient_funds')).toMatch(/^The account holds too little\./);
    expect(returnClassOf('r01')).toBeNull();
  });

  it('is sorted as the core sorts it', () => {
    const rules = readFileSync('../crates/domain/src/rails.rs', 'utf8');
    const names: Record<string, string> = { Retry: 'retry', FixDetails: 'fix_details', Stop: 'stop', Duplicate: 'duplicate' };
    const arms = [...rules.slice(0, rules.indexOf('_ => Self::Person')).matchAll(/^ +("[^=]+) => Self::(\w+),$/gm)];
    expect(arms).toHaveLength(4);
    for (const [, codes = '', name = ''] of arms) {
      for (const [code] of codes.matchAll(/\w+/g)) expect([code, returnClassOf(code)]).toEqual([code, names[name]]);
    }
    expect(returnClassOf('R99')).toBe('person');
  });
});

it('says of a step that was approved that it was', () => {
  const at = '2026-11-12T14:40:00Z';
  const steps = pathOf(payment({ state: 'held', history: [{ state: 'awaiting_approval', at }, { state: 'held', at: '2026-11-12T14:45:00Z' }] }), getMessages());
  expect(steps.map((step) => step.title).slice(0, 2)).toEqual(['Approved', 'Held']);
  expect(steps[0]?.about, 'when the yes came, not when it was asked for').toMatch(/9:45\u00a0am$/);
  const waits = pathOf(payment({ state: 'awaiting_approval', history: [{ state: 'awaiting_approval', at }] }), getMessages());
  expect(waits[0]?.title).toBe('Waiting for you');
  const gone = pathOf(payment({ state: 'cancelled', history: [{ state: 'awaiting_approval', at }, { state: 'cancelled', at }] }), getMessages());
  expect(gone[0]?.title).toBe('Waited for you');
});
