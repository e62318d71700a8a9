// The line of what is left in the account: a step a day, drawn in a box of one unit a day and a hundred high.
import type { BalanceView, Money } from '$lib/ipc/bindings';

export type MoneyLine = { steps: string; area: string; zero: number; first: Money; last: Money; lowest: Money; lowestOn: string };

/** Nothing without a balance for the first day. */
export function moneyLine(days: readonly string[], balances: readonly BalanceView[]): MoneyLine | null {
  const left = days.map((day) => balances.findLast((one) => one.on <= day)?.amount ?? null);
  const known = left.filter((one) => one !== null);
  const [first] = known;
  if (!first || known.length < days.length) return null;
  const most = Math.max(0, ...known.map((one) => one.minor));
  const least = Math.min(0, ...known.map((one) => one.minor));
  const high = Math.max(most - least, 1);
  const y = (minor: number) => (100 * (most - minor)) / high;
  const place = (minor: number) => y(minor).toFixed(2);
  const steps = known.map((one, at) => `${at === 0 ? `M0 ${place(one.minor)}` : `V${place(one.minor)}`}H${at + 1}`).join('');
  const lowest = known.reduce((a, b) => (b.minor < a.minor ? b : a));
  const zero = Number(place(0));
  return {
    steps,
    area: `${steps}V${zero}H0Z`,
    zero,
    first,
    last: known.at(-1) ?? first,
    lowest,
    lowestOn: days[known.indexOf(lowest)] ?? days[0] ?? '',
  };
}
