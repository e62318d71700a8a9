// What paying a card so much each month costs: asked of the shell with each choice, never worked out here.
import { answer } from '$lib/ipc';
import type { Account, Excess, Money, PayoffChoices, PayoffView } from '$lib/ipc/bindings';
import type { Desk } from '$lib/state/desk.svelte';
import { Action, type View } from '$lib/state/view.svelte';

export class PayoffDesk {
  view: View<PayoffView>;
  /** What the slider points at; null until something was chosen. */
  chosen = $state<number | null>(null);
  wish = new Action();
  #desk: Desk;
  #account: Account;

  constructor(desk: Desk, account: Account) {
    this.#desk = desk;
    this.#account = account;
    this.view = desk.follow(`payoff ${account.id}`, () => answer(desk.commands.cardPayoff(account.id, this.#monthly())));
  }

  choose(minor: number): void {
    this.chosen = minor;
    void this.view.read();
  }

  async direct(excess: Excess): Promise<void> {
    if (await this.wish.run(() => answer(this.#desk.commands.cardExcess(this.#account.id, excess)))) await this.#desk.changed();
  }

  #monthly(): Money | null {
    return this.chosen === null ? null : { minor: this.chosen, currency: this.#account.currency };
  }
}

/** A chart of what is owed: at the end of each cycle for the choice and for only the minimum. */
export type PayoffCurve = { from: string; months: readonly string[]; chosen: readonly number[]; minimum: readonly number[]; most: number; step: number };

const MONTHS_LEAST = 6;
const MONTHS_USUAL = 24;
const LINES = 4;

/** The two lines over the same months: as long as the choice takes, and at least two years of the minimum. */
export function curveOf(choices: PayoffChoices, today: string): PayoffCurve {
  const { chosen, minimum, owed } = choices;
  const length = Math.max(MONTHS_LEAST, chosen.months.length, Math.min(MONTHS_USUAL, minimum.months.length));
  const longer = minimum.months.length >= chosen.months.length ? minimum.months : chosen.months;
  const line = (months: typeof chosen.months) => [owed.minor, ...months.slice(0, length).map((month) => month.owed.minor)];
  const lines = { chosen: line(chosen.months), minimum: line(minimum.months) };
  const highest = Math.max(1, ...lines.chosen, ...lines.minimum);
  const step = stepFor(highest);
  return { from: today, months: longer.slice(0, length).map((month) => month.on), ...lines, most: Math.ceil(highest / step) * step, step };
}

/** A round distance between grid lines, so that few of them reach the highest point. */
export function stepFor(most: number): number {
  const rough = most / LINES;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= rough) ?? power * 10;
}
