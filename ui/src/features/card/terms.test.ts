import { describe, expect, it } from 'vitest';
import { editShare, parseShare, readTerms } from './terms';

const typed = { closingDay: '25', rule: 'after' as const, after: '25', day: '', floor: '', share: '', addsCharges: false, rate: '', lateFee: '' };

describe('terms of a card', () => {
  it('read a share exactly, in millionths', () => {
    expect(['2', '2.5', '2,5 %', '0.0001', '100'].map(parseShare)).toEqual([20_000, 25_000, 25_000, 1, 1_000_000]);
    expect(['', '-1', '100.0001', '1.23456', 'two'].map(parseShare)).toEqual([null, null, null, null, null]);
  });

  it('write a share as it was typed', () => {
    for (const millionths of [1, 20_000, 25_000, 1_000_000]) expect(parseShare(editShare(millionths))).toBe(millionths);
  });

  it('are what was typed, with what is unknown left out', () => {
    expect(readTerms(typed, 'USD').terms).toEqual({ closing_day: 25, due: { days_after_closing: 25 }, minimum_floor: null, minimum_share: null, minimum_adds_charges: false, apr: null, late_fee: null });
    expect(readTerms({ ...typed, rule: 'day', day: '19', floor: '25', share: '2', addsCharges: true, rate: '27.99', lateFee: '30' }, 'USD').terms).toEqual({
      closing_day: 25,
      due: { day_of_month: 19 },
      minimum_floor: { minor: 2500, currency: 'USD' },
      minimum_share: 20_000,
      minimum_adds_charges: true,
      apr: 279_900,
      late_fee: { minor: 3000, currency: 'USD' },
    });
  });

  it('name each thing that is wrong', () => {
    const { terms, wrong } = readTerms({ ...typed, closingDay: '32', after: '61', floor: 'x', share: '101', rate: '100.1', lateFee: '-1' }, 'USD');
    expect(terms).toBeNull();
    expect([...wrong].toSorted()).toEqual(['after', 'closingDay', 'floor', 'lateFee', 'rate', 'share']);
  });
});
