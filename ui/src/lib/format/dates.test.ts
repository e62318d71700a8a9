import { beforeEach, describe, expect, it } from 'vitest';
import { addDays, addMonths, dayHere, formatCutoff, formatDay, formatFullDay, formatMoment, formatMonth, formatShortDay, formatTime, ordinal, setLocale, setNow, weekdays, weeksOf } from '.';

const endings = { one: 'st', two: 'nd', few: 'rd', other: 'th' };

beforeEach(() => setNow(() => new Date('2026-11-12T14:41:00Z')));

describe('civil days', () => {
  it('name the weekday, and the year only when it is another one', () => {
    expect(formatDay('2026-11-19')).toBe('Thu, Nov\u00a019');
    expect(formatDay('2027-01-20')).toBe('Wed, Jan\u00a020, 2027');
    expect(formatShortDay('2026-11-19')).toBe('Nov\u00a019');
    expect(formatFullDay('2026-10-25')).toBe('Oct\u00a025, 2026');
  });

  it('never move by a zone', () => {
    // New York is behind UTC: a day read as an instant would fall back by one.
    expect(formatDay('2026-01-01')).toBe('Thu, Jan\u00a01');
  });

  it('follow the language', () => {
    setLocale('de-DE');
    expect(formatDay('2026-11-19')).toBe('Do., 19.\u00a0Nov.');
    expect(formatMonth('2026-11-01')).toBe('November 2026');
    setLocale('es-ES');
    expect(formatMonth('2026-11-01')).toBe('Noviembre de 2026');
  });

  it('count days and months over every end', () => {
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
    expect(addMonths('2026-12-15', 1)).toBe('2027-01-01');
    expect(addMonths('2026-01-31', -1)).toBe('2025-12-01');
  });

  it('fill whole weeks from the first day of the region', () => {
    const weeks = weeksOf('2026-11-12');
    expect(weeks).toHaveLength(5);
    expect(weeks[0]?.[0]).toBe('2026-11-01');
    expect(weekdays()[0]?.long).toBe('Sunday');
    setLocale('de-DE');
    expect(weeksOf('2026-11-12')[0]?.[0]).toBe('2026-10-26');
    expect(weekdays()[0]?.long).toBe('Montag');
  });
});

describe('instants', () => {
  it('have the day of where the person is', () => {
    // Half past nine in the evening in New York, and the next day in UTC.
    expect(dayHere('2026-11-10T02:30:00Z')).toBe('2026-11-09');
    expect(dayHere('2026-11-10T15:00:00Z')).toBe('2026-11-10');
  });

  it('are told in this zone, with the day when it is another one', () => {
    expect(formatTime('2026-11-12T14:41:00Z')).toBe('9:41\u00a0am');
    expect(formatMoment('2026-11-12T14:41:00Z')).toBe('9:41\u00a0am');
    expect(formatMoment('2026-11-10T21:00:00Z')).toBe('Tue, Nov\u00a010, 4:00\u00a0pm');
    expect(formatCutoff('2026-11-13T21:00:00Z')).toBe('4:00\u00a0pm\u00a0Eastern\u00a0Time');
    expect(formatCutoff('2026-11-13T21:00:00Z', true)).toBe('Fri, Nov\u00a013, 4:00\u00a0pm\u00a0Eastern\u00a0Time');
    expect(formatCutoff('2026-11-12T21:00:00Z', true)).toBe('4:00\u00a0pm\u00a0Eastern\u00a0Time');
    expect(formatCutoff('2026-07-13T20:00:00Z'), 'in summer too').toBe('4:00\u00a0pm\u00a0Eastern\u00a0Time');
  });
});

it('counts as the language does', () => {
  expect([1, 2, 3, 4, 11, 21, 22].map((n) => ordinal(n, endings))).toEqual(['1st', '2nd', '3rd', '4th', '11th', '21st', '22nd']);
});
