// The invented card's payoff, from figures that were played before: the sample world works nothing out.
import type { Account, Money, Payoff, PayoffRow, PayoffView, Share } from '../bindings';
import { usd } from './bills';
import { played } from './played';

const SAFE = 23_000;
const MINIMUM = 8_000;
const INSTALLMENT = 5_000;
const FRIDGE = 54_000;
const OWED = 146_324;

type Played = (typeof played)[number];
const closings = (count: number) => Array.from({ length: count }, (_, at) => new Date(Date.UTC(2026, 10 + at, 25)).toISOString().slice(0, 10));

export function shares(pay: number, account: Account): Share[] {
  const wish = typeof account.excess === 'object' ? account.excess.plan : null;
  const [fridge = '', sofa = ''] = ['plan-fridge', 'plan-sofa'];
  const above = Math.max(0, pay - MINIMUM);
  const toFridge = wish === fridge ? Math.min(above, FRIDGE - (MINIMUM - INSTALLMENT)) : 0;
  const all: Share[] = [
    { to: { plan: sofa }, amount: usd(Math.min(pay, INSTALLMENT)), reason: 'installment' },
    { to: { plan: fridge }, amount: usd(Math.min(pay, MINIMUM) - Math.min(pay, INSTALLMENT)), reason: 'minimum' },
    { to: { plan: fridge }, amount: usd(toFridge), reason: 'wish' },
    { to: 'purchases', amount: usd(above - toFridge), reason: 'highest_rate' },
  ];
  return all.filter((share) => share.amount.minor > 0);
}

function payoffOf([monthly, paid_off_on, interest, landed, owed]: Played, account: Account): Payoff {
  const pay = Math.max(monthly, MINIMUM);
  const days = closings(owed.length);
  return {
    paid_off_on,
    interest: usd(interest),
    landed: landed > 0 ? [{ plan: 'plan-fridge', on: '2027-01-21', interest: usd(landed) }] : [],
    months: owed.map((minor, at) => ({ on: days[at] ?? '', owed: usd(minor), paid: usd(pay), interest: usd(at === 0 ? minor - (OWED - pay) : 0) })),
    next: { on: '2026-11-19', amount: usd(pay), shares: shares(pay, account) },
  };
}

const row = ([monthly, paid_off_on, interest, landed]: Played): PayoffRow => ({
  monthly: monthly > 0 ? usd(monthly) : null,
  paid_off_on,
  interest: usd(interest),
  landed: usd(landed),
});

export function payoff(account: Account, asked: Money | null): PayoffView {
  if (account.terms?.apr == null) return { kind: 'missing', why: account.terms ? 'rate' : 'terms' };
  const [minimum, ...choices] = played;
  const last = choices.at(-1);
  const find = (minor: number) => choices.find(([monthly]) => monthly >= minor) ?? last;
  const chosen = find(asked?.minor ?? SAFE);
  if (!minimum || !last || !chosen) return { kind: 'missing', why: 'balance' };
  // The wished plan is paid before purchases are: all of it, where otherwise a third of it would do.
  const wished = typeof account.excess === 'object' && account.excess.plan === 'plan-fridge';
  const avoids = 39_460 + INSTALLMENT + (wished ? FRIDGE : FRIDGE / 3);
  const beside = [13_000, SAFE, chosen[0], last[0]].toSorted((a, b) => a - b).filter((minor, at, all) => all.indexOf(minor) === at);
  return {
    kind: 'ready',
    owed: usd(OWED),
    grace_lost: false,
    from: usd(MINIMUM),
    to: usd(last[0]),
    step: usd(500),
    safe_from: usd(SAFE),
    avoids_interest: usd(avoids),
    monthly: usd(chosen[0]),
    chosen: payoffOf(chosen, account),
    minimum: payoffOf(minimum, account),
    saved: usd(minimum[2] - chosen[2]),
    rows: [row(minimum), ...beside.map((minor) => row(find(minor) ?? last))],
  };
}
