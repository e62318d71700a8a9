import { describe, expect, it } from 'vitest';
import type { Bill, BillView, OccurrenceView } from '$lib/ipc/bindings';
import { card, cardView, servedCard } from '$lib/ipc/sample/accounts';
import { rule, startingBills } from '$lib/ipc/sample/bills';
import { chosenRow, groupsOf, isShown, listed, rowsOf } from './groups';

const usd = (minor: number) => ({ minor, currency: 'USD' });
const today = '2026-11-12';

function billView(id: string, next_due_on: string | null = null): BillView {
  const schedule = rule({ day: 9, starts_on: '2026-01-09' });
  const bill: Bill = { ...startingBills()[0]!, id, name: id, amount: usd(1000), schedule, biller: null };
  return { bill, amount: bill.amount, paused: false, biller_name: null, own_biller: null, payable: false, next_due_on, history: [], band: null, rise: null };
}

function occurrence(bill: string, due_on: string, days: number, rest: Partial<OccurrenceView> = {}): OccurrenceView {
  return { bill, name: bill, due_on, falls_on: due_on, issued_on: null, grace_until: due_on, pay_by: due_on, over_cap: false, amount: usd(1000), left: usd(1000), estimated: false, state: days < 0 ? 'overdue' : 'due', days, payable: true, card: null, issued: false, payment: null, sends_on: null, not_sent: false, ...rest };
}

const view = {
  today,
  holidays: [],
  cards: [],
  bills: [billView('gas'), billView('rent'), billView('tax', '2027-04-15'), billView('old')],
  occurrences: [
    occurrence('gas', '2026-11-09', -3),
    occurrence('gas', '2026-12-09', 27),
    occurrence('rent', '2026-11-01', -11, { state: 'paid', left: usd(0) }),
    occurrence('rent', '2026-11-17', 5, { state: 'skipped', left: usd(0) }),
    occurrence('rent', '2026-11-25', 13, { left: usd(400) }),
  ],
};

describe('the list of due dates', () => {
  const rows = rowsOf(view);

  it('holds every due date, and bills that have none in reach', () => {
    expect(rows.map((row) => row.key)).toEqual(['gas 2026-11-09', 'gas 2026-12-09', 'rent 2026-11-01', 'rent 2026-11-17', 'rent 2026-11-25', 'tax 2027-04-15', 'old ']);
  });

  it('holds what a card of the server asks for, which is paid as a card is', () => {
    const store = servedCard('active');
    const asked = { ...billView(store.id), bill: { ...billView(store.id).bill, card: store.id } };
    const due = occurrence(store.id, '2026-11-17', 5, { payable: false, issued: true, card: store.id });
    const all = rowsOf({ ...view, cards: [asked], occurrences: [due] }, null, [cardView(store)]);
    const row = all.find((one) => one.issued);
    expect([row?.key, row?.served?.id]).toEqual([`${store.id} 2026-11-17`, store.id]);
    expect(isShown(row!, 'needs')).toBe(true);
  });

  it('leaves out a date of a later month while an earlier one of that bill is open', () => {
    expect(listed(rows, today).map((row) => row.key)).not.toContain('gas 2026-12-09');
    const alone = rowsOf({ ...view, occurrences: [occurrence('gas', '2026-12-09', 27)] });
    expect(listed(alone, today).map((row) => row.key)).toContain('gas 2026-12-09');
  });

  it('groups by when they need the person, settled ones last', () => {
    const groups = groupsOf(listed(rows, today), today);
    expect(groups.map((group) => [group.name, group.rows.map((row) => row.key)])).toEqual([
      ['late', ['gas 2026-11-09']],
      ['next7', ['rent 2026-11-17']],
      ['month', ['rent 2026-11-25']],
      ['further', ['tax 2027-04-15']],
      ['settled', ['rent 2026-11-01']],
      ['ended', ['old ']],
    ]);
  });

  it('groups by pay period where pay days are known, by the day a payment leaves', () => {
    const pay = [{ on: '2026-11-06', name: 'Mill', amount: usd(9000) }, { on: '2026-11-20', name: 'Mill', amount: usd(9000) }, { on: '2026-11-20', name: 'School', amount: usd(500) }];
    const leaving = rows.map((row) => (row.key === 'rent 2026-11-25' ? { ...row, leavesOn: '2026-11-20' } : row));
    const groups = groupsOf(listed(leaving, today), today, pay);
    expect(groups.map((group) => [group.name, group.payOn, group.rows.map((row) => row.key)])).toEqual([
      ['before', '2026-11-20', ['gas 2026-11-09', 'rent 2026-11-17']],
      ['period', '2026-11-20', ['rent 2026-11-25']],
      ['further', null, ['tax 2027-04-15']],
      ['settled', null, ['rent 2026-11-01']],
      ['ended', null, ['old ']],
    ]);
    expect(groups[1]?.income).toEqual([usd(9500)]);
  });

  it('adds up what is left, counts settled ones whole and skipped ones not at all', () => {
    const totals = Object.fromEntries(groupsOf(rows, today).map((group) => [group.name, group.total]));
    expect(totals).toMatchObject({ late: [usd(1000)], next7: [], month: [usd(400)], settled: [usd(1000)], ended: [] });
    expect(totals.further, 'with the dates out of reach, at what their bills cost').toEqual([usd(2000)]);
  });

  it('filters', () => {
    const count = (show: 'needs' | 'way' | 'settled') => rows.filter((row) => isShown(row, show)).length;
    expect([count('needs'), count('way'), count('settled')]).toEqual([1, 0, 1]);
  });

  it('counts a payment that was not sent as needing the person, and not as scheduled', () => {
    const scheduled = { state: 'scheduled' as const, left: usd(0) };
    const sent = rowsOf({ ...view, occurrences: [occurrence('gas', '2026-11-09', -3, scheduled)] });
    const kept = rowsOf({ ...view, occurrences: [occurrence('gas', '2026-11-09', -3, { ...scheduled, not_sent: true })] });
    const shows = (all: typeof rows) => [isShown(all[0]!, 'needs'), isShown(all[0]!, 'way')];
    expect([shows(sent), shows(kept)]).toEqual([[false, true], [true, false]]);
  });

  it('knows the card of this server whose payment a bill is', () => {
    const cards = [cardView(servedCard('active'))];
    const bill = { ...billView('card'), bill: { ...billView('card').bill, card: 'account-card' } };
    const served = (all: typeof cards) => rowsOf({ ...view, bills: [bill], occurrences: [] }, null, all)[0]?.served?.id ?? null;
    expect([served(cards), served([cardView(card)])]).toEqual(['account-card', null]);
  });

  it('begins with what was asked for, else with what needs the person', () => {
    expect(chosenRow(rows, 'rent', '2026-11-25')?.key).toBe('rent 2026-11-25');
    expect(chosenRow(rows, 'tax', null)?.key).toBe('tax 2027-04-15');
    expect(chosenRow(rows, null, null)?.key).toBe('gas 2026-11-09');
    expect(chosenRow([], null, null)).toBeNull();
  });
});
