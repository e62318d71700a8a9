import { describe, expect, it } from 'vitest';
import { moneyLine } from './moneyLine';

const usd = (minor: number) => ({ minor, currency: 'USD' });
const days = ['2026-11-12', '2026-11-13', '2026-11-14'];

describe('the line of what is left', () => {
  it('holds a balance until it changes and stands on zero', () => {
    const line = moneyLine(days, [{ on: '2026-11-12', amount: usd(1000) }, { on: '2026-11-14', amount: usd(500) }]);
    expect(line).toMatchObject({ steps: 'M0 0.00H1V0.00H2V50.00H3', zero: 100, first: usd(1000), last: usd(500), lowest: usd(500), lowestOn: '2026-11-14' });
  });

  it('goes below zero where the money runs out', () => {
    const line = moneyLine(days, [{ on: '2026-11-12', amount: usd(300) }, { on: '2026-11-13', amount: usd(-100) }]);
    expect([line?.zero, line?.lowestOn]).toEqual([75, '2026-11-13']);
  });

  it('is not drawn without a balance for today', () => {
    expect(moneyLine(days, [{ on: '2026-11-13', amount: usd(1) }])).toBeNull();
  });
});
