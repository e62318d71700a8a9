// The invented household's card and bank account: balances, transactions and statements that add up.
import type { Account, AccountStatements, CardStatus, CardView, Dispute, Plan, PlanView, Purchase, StatementRow, TransactionKind, TransactionView } from '../bindings';
import { usd } from './bills';

const fridge: Plan = {
  id: 'plan-fridge',
  name: 'Refrigerator',
  kind: { deferred_interest: { ends_on: '2027-01-20', accrued: usd(16795) } },
  apr: 279_900,
  amount: usd(89900),
  opened_on: '2026-01-20',
  left: usd(54000),
  left_on: '2026-11-12',
};

const sofa: Plan = {
  id: 'plan-sofa',
  name: 'Sofa',
  kind: { equal_payments: { monthly: usd(5000) } },
  apr: 0,
  amount: usd(60000),
  opened_on: '2026-05-20',
  left: usd(35000),
  left_on: '2026-11-12',
};

export const card: Account = {
  id: 'account-card',
  keeping: 'linked',
  kind: 'card',
  name: 'Quillmere Card',
  mask: '4417',
  currency: 'USD',
  source: null,
  balance: usd(-146324),
  available: usd(243366),
  balance_as_of: '2026-11-12',
  terms: {
    closing_day: 25,
    due: { day_of_month: 19 },
    minimum_floor: usd(3000),
    minimum_share: 10_000,
    minimum_adds_charges: true,
    apr: 279_900,
    late_fee: null,
  },
  issuer: null,
  plans: [fridge, sofa],
  excess: { plan: fridge.id },
};

/** The same card where the server issues it. */
export const servedCard = (status: CardStatus): Account => ({
  ...card,
  keeping: 'served',
  card: {
    status,
    status_at: '2026-11-12T14:44:00Z',
    limit: usd(400000),
    rewards_at_checkout: false,
    merchants: [
      { id: 'merchant-1', name: 'Quillmere', since: '2026-03-04T16:20:00Z' },
      { id: 'merchant-2', name: 'Tidewater Books', since: '2026-08-19T19:02:00Z' },
    ],
    minimum_left: usd(8000),
    asked: [{ plan: sofa.id, amount: usd(5000) }],
  },
});

function bought(at: number, merchant: string, description: string, minor: number, stands: Partial<Purchase>): Purchase {
  const none = usd(0);
  const asked_at = new Date(Date.UTC(2026, 10, 12 - at, 14, 12)).toISOString();
  return { id: `purchase-${at}`, card: card.id, merchant, description, amount: usd(minor), declined: null, held: none, captured: none, refunded: none, asked_at, holds_until: '2026-12-12', captured_at: stands.captured ? asked_at : null, disputed_at: null, plan: null, ...stands };
}

/** What merchants asked the served card for, newest first. */
export const startingPurchases = (): Purchase[] => [
  bought(0, 'Quillmere', 'Quillmere Online', 6490, { held: usd(6490) }),
  bought(1, 'Quillmere', 'Quillmere Market', 3820, { held: usd(3820) }),
  bought(3, 'Tidewater Books', 'Order 5512', 412000, { declined: 'over_limit' }),
  bought(5, 'Quillmere', 'Quillmere Market', 5230, { captured: usd(5230) }),
  bought(10, 'Quillmere', 'Quillmere Home', 8875, { captured: usd(8875), refunded: usd(3199) }),
  bought(14, 'Tidewater Books', 'Order 5391', 2400, {}),
];

/** One that is looked at, and one that was decided. */
export const startingDisputes = (): Dispute[] => [
  {
    id: 'dispute-1',
    purchase: 'purchase-20',
    card: card.id,
    merchant: 'Tidewater Books',
    description: 'Order 5370',
    reason: 'not_received',
    words: 'The parcel was never handed over',
    amount: usd(3650),
    credited: usd(3650),
    opened_at: '2026-11-05T16:12:00Z',
    acknowledged_at: '2026-11-06T09:30:00Z',
    answer_by: '2027-01-25',
    decided: null,
  },
  {
    id: 'dispute-2',
    purchase: 'purchase-21',
    card: card.id,
    merchant: 'Quillmere',
    description: 'Quillmere Market',
    reason: 'charged_twice',
    words: '',
    amount: usd(4415),
    credited: usd(4415),
    opened_at: '2026-09-02T10:05:00Z',
    acknowledged_at: '2026-09-02T11:00:00Z',
    answer_by: '2026-11-25',
    decided: { outcome: 'for', at: '2026-09-08T15:20:00Z', why: 'The till shows one sale' },
  },
];

export const checking: Account = {
  id: 'account-checking',
  keeping: 'served',
  kind: 'checking',
  name: 'Tern Harbor Checking',
  mask: '2086',
  currency: 'USD',
  source: null,
  balance: usd(120718),
  available: usd(110718),
  balance_as_of: '2026-11-12',
  terms: null,
  issuer: null,
  plans: [],
  excess: 'by_rate',
};

const spending: [string, number][] = [
  ['2026-06-01', 28140],
  ['2026-07-01', 31275],
  ['2026-08-01', 22690],
  ['2026-09-01', 35418],
  ['2026-10-01', 29822],
  ['2026-11-01', 16445],
];

/** How a plan stands on 12 November 2026. Entered ones of other amounts get round figures. */
function planView(plan: Plan): PlanView {
  const paid = usd(plan.amount.minor - plan.left.minor);
  const none = { paid, days_left: null, accrued: usd(0), at_risk: usd(0), ended: plan.left.minor === 0, is_estimate: false };
  const { equal_payments: equal, deferred_interest: deferred } = plan.kind;
  if (equal) {
    const count = (minor: number) => Math.ceil(minor / equal.monthly.minor);
    const figures = { ...none, payments_left: count(plan.left.minor), payments: count(plan.amount.minor), each: equal.monthly, last: usd(plan.left.minor - equal.monthly.minor * (count(plan.left.minor) - 1)), last_on: '2027-05-19' };
    return { plan, figures, stale: plan.left_on < '2026-10-25' };
  }
  const said = deferred?.accrued ?? null;
  const days_left = Math.round((Date.parse(deferred?.ends_on ?? '') - Date.parse('2026-11-12')) / 86_400_000);
  const figures = { ...none, days_left, payments_left: 3, payments: null, each: usd(Math.ceil(plan.left.minor / 3)), last: usd(plan.left.minor - 2 * Math.ceil(plan.left.minor / 3)), last_on: '2027-01-19' };
  return { plan, figures: { ...figures, accrued: said ?? usd(16332), at_risk: usd(said ? 19652 : 19189), is_estimate: !said }, stale: plan.left_on < '2026-10-25' };
}

export const cardView = (account: Account): CardView => ({
  account,
  figures: {
    current_balance: usd(146324),
    statement_balance: usd(128460),
    minimum_due: usd(8000),
    pending: usd(10310),
    pending_count: 2,
    paid_since_closing: usd(0),
    closed_on: '2026-10-25',
    next_closing_on: '2026-11-25',
    due_on: '2026-11-19',
    from_issuer: false,
    unused_credit: usd(243366),
    credit_limit: usd(400000),
  },
  spending: spending.map(([month, minor]) => ({ month, amount: usd(minor) })),
  plans: (account.plans ?? []).map(planView),
});

let made = 0;

function line(account: string, posted_on: string, minor: number, description: string, kind: TransactionKind, memo: string | null = null, pending = false): TransactionView {
  made += 1;
  return { id: `line-${made}`, account, posted_on, amount: usd(minor), description, memo, kind, state: pending ? 'pending' : 'posted' };
}

const shops = ['Market', 'Garden', 'Home', 'Online'];

/** Older purchases, so that paging and search have something to find. */
function older(): TransactionView[] {
  return Array.from({ length: 84 }, (_, at) => {
    const day = new Date(Date.UTC(2026, 9, 25 - at * 2)).toISOString().slice(0, 10);
    return line(card.id, day, -(1850 + ((at * 977) % 6400)), `Quillmere ${shops[at % shops.length]}`, 'purchase');
  });
}

const plain: TransactionView[] = [
  line(card.id, '2026-11-12', -6490, 'Quillmere Online', 'purchase', 'Held for shipping', true),
  line(card.id, '2026-11-11', -3820, 'Quillmere Market', 'purchase', null, true),
  line(card.id, '2026-11-09', -2340, 'Quillmere Garden', 'purchase'),
  line(checking.id, '2026-11-08', -1399, 'Paperkite TV', 'debit'),
  line(card.id, '2026-11-07', -5230, 'Quillmere Market', 'purchase'),
  line(checking.id, '2026-11-06', 148600, 'Tern Harbor Clinic, pay', 'credit'),
  line(card.id, '2026-11-05', 3199, 'Quillmere Home, returned', 'refund'),
  line(card.id, '2026-11-02', -8875, 'Quillmere Home', 'purchase'),
  line(checking.id, '2026-11-01', -118000, 'Alder Court', 'transfer', 'Rent'),
  line(card.id, '2026-10-28', -4618, 'Quillmere Market', 'purchase'),
  ...older(),
];

const opensAfter = (closed_on: string) => {
  const [year = 0, month = 0] = closed_on.split('-').map(Number);
  return new Date(Date.UTC(year, month - 2, 26)).toISOString().slice(0, 10);
};
const inCycle = (all: readonly TransactionView[], closed_on: string) => all.filter((one) => one.account === card.id && one.posted_on >= opensAfter(closed_on) && one.posted_on <= closed_on);

const closings: [string, number, boolean][] = [
  ['2025-11-25', 9605, true],
  ['2026-01-25', 102164, true],
  ['2026-02-25', 106630, false],
  ['2026-04-25', 102075, true],
  ['2026-05-25', 165590, true],
  ['2026-06-25', 161148, true],
  ['2026-07-25', 153002, true],
  ['2026-08-25', 148837, true],
  ['2026-09-25', 140211, true],
  ['2026-10-25', 128460, true],
];

/** What was paid or bought besides in each cycle of which lines are here, so that its lines lead from one balance to the next. */
const paid: TransactionView[] = closings.flatMap(([closed_on, minor], at) => {
  const lines = inCycle(plain, closed_on);
  const before = closings[at - 1]?.[1];
  if (lines.length === 0 || before === undefined) return [];
  const moved = lines.reduce((sum, one) => sum + one.amount.minor, 0);
  const left = before - moved - minor;
  return [line(card.id, `${closed_on.slice(0, 7)}-19`, left, left > 0 ? 'Payment, thank you' : 'Quillmere Home', left > 0 ? 'payment' : 'purchase')];
});

export const transactions: TransactionView[] = [...plain, ...paid].toSorted((a, b) => b.posted_on.localeCompare(a.posted_on));

function statement(closing: [string, number, boolean], at: number): StatementRow {
  const [closed_on, minor, complete] = closing;
  const [year = 0, month = 0] = closed_on.split('-').map(Number);
  const day = (y: number, m: number, d: number) => new Date(Date.UTC(y, m, d)).toISOString().slice(0, 10);
  return {
    summary: {
      account: card.id,
      opened_on: day(year, month - 2, 26),
      closed_on,
      due_on: day(year, month, 19),
      opening: usd(-(closings[at - 1]?.[1] ?? 4210)),
      closing: usd(-minor),
      lines: inCycle(transactions, closed_on).length || 6 + ((at * 5) % 9),
      complete,
      issued: null,
    },
    kept: at > 2,
  };
}

export const statements: AccountStatements[] = [
  { account: card.id, name: card.name, statements: closings.map(statement).reverse(), gaps: ['2025-12-25', '2026-03-25'], next_closing_on: '2026-11-25' },
  { account: checking.id, name: checking.name, statements: [], gaps: [], next_closing_on: '2026-11-30' },
];

/** What the server, as the card's issuer, said of the last two cycles: the first was not paid in time. */
const issuedCycles: [number, string, string, string, { before: number; payments: number; credits: number; purchases: number; interest: number; fees: number; minimum: number; pastDue: number }][] = [
  [8, '2026-09-26', '2026-10-25', '2026-11-19', { before: 118520, payments: 1000, credits: 3199, purchases: 8523, interest: 2716, fees: 2900, minimum: 9005, pastDue: 2102 }],
  [7, '2026-08-26', '2026-09-25', '2026-10-20', { before: 94210, payments: 20000, credits: 0, purchases: 42115, interest: 2195, fees: 0, minimum: 3381, pastDue: 0 }],
];

export const servedStatements: AccountStatements = {
  account: card.id,
  name: card.name,
  gaps: [],
  next_closing_on: '2026-11-25',
  statements: issuedCycles.map(([number, opened_on, closed_on, due_on, sums]) => {
    const owed = sums.before - sums.payments - sums.credits + sums.purchases + sums.interest + sums.fees;
    return {
      kept: number === 7,
      summary: {
        account: card.id,
        opened_on,
        closed_on,
        due_on,
        opening: usd(-sums.before),
        closing: usd(-owed),
        lines: 9,
        complete: true,
        issued: {
          number,
          totals: { purchases: usd(sums.purchases), credits: usd(sums.credits), payments: usd(sums.payments), interest: usd(sums.interest), fees: usd(sums.fees) },
          interest: [{ part: 'purchases', apr: 279900, average: usd(118058), amount: usd(sums.interest) }],
          landed: [],
          bill: { closed_on, due_on, balance: usd(owed), minimum: usd(sums.minimum), past_due: usd(sums.pastDue), purchases: usd(owed), in_full: usd(owed), in_time_until: null },
          grace: 'lost',
          plans: [],
          repayment: { minimum: { pays_off: { months: 97, total: usd(301800) } }, in_36_months: { monthly: usd(5310), total: usd(191200), saved: usd(110600) } },
          year: { interest: usd(9840), fees: usd(sums.fees) },
          limit: usd(400000),
          late_fee: usd(2900),
          rewards: { opening: usd(1410), earned: usd(85), redeemed: usd(0), clawed_back: usd(31), lapsed: usd(0), closing: usd(1464), expiring: usd(0), expires_after: null },
        },
      },
    };
  }),
};
