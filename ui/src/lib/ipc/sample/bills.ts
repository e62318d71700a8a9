// The invented household's bills, as a person would have typed them.
import type { Bill, BillerView, Money, Schedule } from '../bindings';

export const TODAY = '2026-11-12';

export const usd = (minor: number): Money => ({ minor, currency: 'USD' });

export const rule = (parts: Partial<Schedule>): Required<Schedule> => ({
  every: 'month',
  interval: 1,
  day: null,
  weekdays: [],
  nth: null,
  starts_on: '2025-01-01',
  ends_on: null,
  count: null,
  calendar: 'weekends_only',
  roll: 'stays',
  ...parts,
});

const monthly = (day: number, ends_on: string | null = null): Required<Schedule> => rule({ day, starts_on: `2025-01-${String(Math.min(day, 28)).padStart(2, '0')}`, ends_on });

function biller(slug: string, name: string, category: string, payable = true): BillerView {
  return { id: `biller-${slug}`, name, category, payable, accepts: payable ? ['bank_transfer'] : [], own: false, how_to_pay: '' };
}

export const billers: BillerView[] = [
  biller('gas', 'Northfold Gas', 'gas'),
  biller('loan', 'Brightwater Car Loans', 'loan'),
  biller('power', 'Cobalt Ridge Power', 'electricity'),
  biller('gym', 'Ironvale Gym', 'gym', false),
  biller('mobile', 'Peregrine Mobile', 'phone'),
  biller('fiber', 'Lanternline Fiber', 'internet'),
  biller('auto', 'Kestrel Auto Insurance', 'insurance'),
  biller('water', 'Millbrook Water', 'water'),
  biller('dental', 'Juniper Dental', 'health'),
  biller('music', 'Hushbox Music', 'subscription', false),
  biller('student', 'Fairmont Student Loans', 'loan'),
  biller('rent', 'Alder Court', 'rent'),
  biller('tv', 'Paperkite TV', 'subscription', false),
];

/** A bill as the shell sends it: every field is there. */
export type WholeBill = Required<Bill> & { schedule: Required<Schedule> };

type Extra = Partial<Omit<Bill, 'id' | 'name' | 'amount' | 'schedule' | 'biller'>>;

function bill(slug: string, name: string, minor: number, schedule: Required<Schedule>, extra: Extra = {}, directory = true): WholeBill {
  return {
    id: `bill-${slug}`,
    name,
    amount: usd(minor),
    estimated: false,
    schedule,
    biller: directory ? `biller-${slug}` : null,
    reference: null,
    card: null,
    remind_days: [5, 1],
    note: null,
    steps: [],
    cap: null,
    earlier: [],
    pauses: [],
    issue_days: null,
    grace_days: 0,
    lead_days: 0,
    zone: null,
    origin: null,
    ...extra,
  };
}

export const startingBills = (): WholeBill[] => [
  bill('gas', 'Northfold Gas', 5832, monthly(9), { reference: 'NG 4418 20' }),
  bill('loan', 'Brightwater car loan', 26875, monthly(15)),
  bill('power', 'Cobalt Ridge Power', 9417, monthly(16), { note: 'Meter is behind the stairs.', issue_days: 14, grace_days: 5, cap: usd(12000) }),
  bill('gym', 'Ironvale Gym', 2900, monthly(17)),
  bill('mobile', 'Peregrine Mobile', 4200, monthly(18)),
  bill('card', 'Quillmere Card', 8000, monthly(19), { card: 'account-card' }, false),
  bill('fiber', 'Lanternline Fiber', 5999, monthly(20), { steps: [{ from: '2027-01-20', amount: usd(6499) }] }),
  bill('auto', 'Kestrel Auto Insurance', 11240, monthly(22)),
  bill('water', 'Millbrook Water', 6100, rule({ interval: 2, day: 24, starts_on: '2025-01-24' }), { estimated: true }),
  bill('dental', 'Juniper Dental', 21000, monthly(25, '2027-02-25'), { remind_days: [5, 1] }),
  bill('music', 'Hushbox Music', 1099, monthly(27), { remind_days: [1] }),
  bill('student', 'Fairmont Student Loans', 14620, monthly(28)),
  bill('rent', 'Alder Court, rent', 118000, monthly(1), { remind_days: [7, 3, 0] }),
  bill('tv', 'Paperkite TV', 1399, monthly(8), { remind_days: [] }),
  bill('tax', 'Tern Harbor property tax', 41250, rule({ every: 'year', day: 15, starts_on: '2025-04-15' }), {}, false),
];
