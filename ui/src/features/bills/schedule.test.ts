import { describe, expect, it } from 'vitest';
import { getMessages, speak } from '$lib/i18n';
import { rule, startingBills } from '$lib/ipc/sample/bills';
import { BillForm } from './billForm.svelte';
import { endText, scheduleText } from './schedule';

const lastFriday = rule({ nth: { of: 'weekday', nth: -1, weekday: 'friday' }, starts_on: '2026-11-27' });
const working = rule({ interval: 2, nth: { of: 'working_day', nth: -2 }, calendar: 'federal_reserve' });
const bins = rule({ every: 'week', interval: 2, weekdays: ['friday', 'monday'] });

describe('a rule in words', () => {
  it.each([
    ['en-US', 'Each month on the last Friday', 'Every 2 months on the 2nd to last working day', 'Every 2 weeks on Monday and Friday'],
    ['es-ES', 'Cada mes, el último viernes', 'Cada 2 meses, el penúltimo día laborable', 'Cada 2 semanas, el lunes y viernes'],
    ['de-DE', 'Jeden Monat am letzten Freitag', 'Alle 2 Monate am vorletzten Arbeitstag', 'Alle 2 Wochen am Montag und Freitag'],
  ])('is said in %s', (language, friday, last, weeks) => {
    speak([language]);
    const said = [lastFriday, working, bins].map((one) => scheduleText(one, getMessages()));
    expect(said).toEqual([friday, last, weeks]);
  });

  it('says where a date on a closed day goes, and when it ends', () => {
    const rolled = rule({ day: 31, roll: 'preceding', count: 12 });
    expect(scheduleText(rolled, getMessages())).toBe('Each month on the 31st, or the banking day before');
    expect(endText(rolled, getMessages())).toBe(', 12 dates in all');
    const yearly = { ...lastFriday, every: 'year' as const };
    expect(scheduleText(yearly, getMessages())).toBe('Each year on the last Friday of November');
  });
});

describe('a rule that is typed', () => {
  const form = () => {
    const typed = new BillForm(null, '2026-11-12');
    typed.name = 'Rent';
    typed.amount = '10';
    return typed;
  };

  it.each([lastFriday, working, { ...bins, weekdays: ['monday' as const, 'friday' as const] }, rule({ day: 31, roll: 'modified_following', calendar: 'target2' }), rule({ day: 9, count: 6 }), rule({ day: 9, ends_on: '2027-01-31' })])(
    'reads back as it was: %j',
    (schedule) => {
      const typed = form();
      const bill = { ...startingBills()[0]!, ...typed.read()!, schedule };
      expect(new BillForm(bill, '2026-11-12').read()?.schedule).toEqual(schedule);
    },
  );

  it('takes the banking days of its currency for a working day', () => {
    const typed = form();
    typed.onKind = 'working';
    typed.pickOnKind('working');
    expect(typed.read()?.schedule).toMatchObject({ nth: { of: 'working_day', nth: -1 }, day: null, calendar: 'federal_reserve' });
  });

  it('says what is wrong with its end', () => {
    const typed = form();
    typed.endKind = 'count';
    typed.count = '0';
    expect(typed.read()).toBeNull();
    expect(typed.is('count')).toBe(true);
    expect(typed.rule).toBeNull();
    typed.endKind = 'date';
    expect(typed.is('endsOn')).toBe(true);
  });
});
