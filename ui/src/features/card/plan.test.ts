import { describe, expect, it } from 'vitest';
import type { Plan } from '$lib/ipc/bindings';
import { readPlan, typedPlan, type TypedPlan } from './plan';

const TODAY = '2026-11-12';
const usd = (minor: number) => ({ minor, currency: 'USD' });
const fridge: Plan = {
  id: 'plan-1',
  name: 'Refrigerator',
  kind: { deferred_interest: { ends_on: '2027-01-20', accrued: usd(16795) } },
  apr: 279_900,
  amount: usd(89900),
  opened_on: '2026-01-20',
  left: usd(54000),
  left_on: TODAY,
};
const sofa: Plan = { ...fridge, id: 'plan-2', name: 'Sofa', kind: { equal_payments: { monthly: usd(5000) } }, apr: 0 };

describe('a payment plan that is typed', () => {
  it('is read back as it was', () => {
    for (const plan of [fridge, sofa]) expect(readPlan(typedPlan(plan, TODAY), plan.id, 'USD').plan).toEqual(plan);
  });

  it('may say nothing about the interest that was kept aside, and is of today unless told', () => {
    const typed: TypedPlan = { ...typedPlan(null, TODAY), name: ' Bed ', amount: '900', openedOn: '2026-10-01', left: '900', rate: '27.99', endsOn: '2027-10-01' };
    expect(readPlan(typed, null, 'USD').plan).toEqual({
      id: null,
      name: 'Bed',
      kind: { deferred_interest: { ends_on: '2027-10-01', accrued: null } },
      apr: 279_900,
      amount: usd(90000),
      opened_on: '2026-10-01',
      left: usd(90000),
      left_on: TODAY,
    });
  });

  it('names each thing that is wrong', () => {
    const wrong = (typed: Partial<TypedPlan>) => [...readPlan({ ...typedPlan(fridge, TODAY), ...typed }, null, 'USD').wrong];
    expect(wrong({ name: ' ' })).toEqual(['name']);
    expect(wrong({ amount: '0', left: '0' })).toEqual(['amount']);
    expect(wrong({ left: '900' })).toEqual(['left']);
    expect(wrong({ leftOn: '2026-01-19' })).toEqual(['leftOn']);
    expect(wrong({ endsOn: '2026-01-20' })).toEqual(['endsOn']);
    expect(wrong({ rate: '' })).toEqual(['rate']);
    expect(wrong({ kind: 'equal', monthly: '0', rate: '' })).toEqual(['monthly']);
  });
});
