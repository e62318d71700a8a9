// What a person says about one due date. Each word can be taken back from the toast.
import { addDays, formatDay, formatMoney } from '$lib/format';
import { getMessages } from '$lib/i18n';
import { answer } from '$lib/ipc';
import type { Bill, EditScope, MarkAs, Money, OccurrenceView, RiseView } from '$lib/ipc/bindings';
import type { Desk } from '$lib/state/desk.svelte';
import { takeBack } from '$lib/state/takeBack';
import { Action } from '$lib/state/view.svelte';

const MOVED_DAYS_MAX = 366;

/** The first and the last day to which one date may be moved. */
export function moveRange(one: OccurrenceView): readonly [string, string] {
  return [addDays(one.due_on, -MOVED_DAYS_MAX), addDays(one.due_on, MOVED_DAYS_MAX)];
}

/** What was ordered by hand for a bill, or one date of it, leaves although it is needed no more. */
export async function warnOfWhatLeaves(desk: Desk, bill: string, dueOn: string | null): Promise<void> {
  const { bills: words, payments } = getMessages();
  const all = await answer(desk.commands.payments());
  const leaving = all.filter((one) => one.bill === bill && (dueOn === null || one.due_on === dueOn) && one.can_cancel && !one.autopay);
  for (const one of leaving) {
    const stop = new Action();
    const act = async () => {
      const done = await stop.run(() => answer(desk.commands.paymentCancel(one.id)));
      desk.say(done ? payments.cancelled(one.to) : words.notStopped(one.to));
      await desk.changed();
    };
    const text = words.stillLeaves(formatMoney(one.amount), one.to, one.sends_on ? formatDay(one.sends_on) : null);
    desk.warn(text, { label: payments.cancel, act: () => void act() });
  }
}

export class Marks {
  action = new Action();
  #words = getMessages().bills;

  constructor(readonly desk: Desk) {}

  paid(one: OccurrenceView): Promise<boolean> {
    return this.#needsNone(one, { kind: 'paid', amount: null }, this.#words.marked(one.name));
  }

  skip(one: OccurrenceView): Promise<boolean> {
    return this.#needsNone(one, { kind: 'skipped' }, this.#words.skipped(one.name));
  }

  amount(one: OccurrenceView, amount: Money): Promise<boolean> {
    return this.#mark(one, { kind: 'amount', amount }, this.#words.changed(one.name));
  }

  move(one: OccurrenceView, to: string): Promise<boolean> {
    return this.#mark(one, { kind: 'moved', to }, this.#words.moved(one.name, formatDay(to)));
  }

  /** This date alone costs something else or falls on another day; what stays as it is, is not marked. */
  only(one: OccurrenceView, amount: Money, on: string): Promise<boolean> {
    const changes: MarkAs[] = [];
    if (amount.minor !== one.amount.minor) changes.push({ kind: 'amount', amount });
    if (on !== one.falls_on) changes.push({ kind: 'moved', to: on });
    return this.action.run(async () => {
      const made: string[] = [];
      for (const change of changes) made.push(await answer(this.desk.commands.occurrenceMark(one.bill, one.due_on, change)));
      if (changes.length === 0) return;
      this.desk.say(this.#words.changedOnce(one.name, formatDay(on)), () => void takeBack(this.desk, one, made));
      await this.desk.changed();
    });
  }

  /** Takes back what was said last; where another device has spoken since it is everything, which is undone from the toast. */
  unmark(one: OccurrenceView): Promise<boolean> {
    return this.action.run(async () => {
      const { all_by: all } = await answer(this.desk.commands.occurrenceUndo(one.bill, one.due_on, null));
      if (all === null) this.desk.say(this.#words.undone(one.name));
      else this.desk.say(this.#words.unmarked(one.name), () => void takeBack(this.desk, one, [all]));
      await this.desk.changed();
    });
  }

  snooze(one: OccurrenceView): Promise<boolean> {
    return this.action.run(async () => {
      await answer(this.desk.commands.reminderSnooze(one.bill, one.due_on));
      this.desk.say(this.#words.snoozed(one.name));
    });
  }

  pause(bill: Bill, from: string, until: string | null): Promise<boolean> {
    return this.#change(() => this.desk.commands.billPause(bill.id, from, until), this.#words.pausedNow(bill.name), () => void this.resume(bill));
  }

  resume(bill: Bill): Promise<boolean> {
    return this.#change(() => this.desk.commands.billResume(bill.id), this.#words.resumed(bill.name));
  }

  /** The new amount is the price from that date on; for an estimated bill, what is expected. */
  agree(bill: Bill, rise: RiseView): Promise<boolean> {
    const scope: EditScope = { kind: 'from', due_on: rise.due_on };
    return this.#change(() => this.desk.commands.billEdit(bill, { ...bill, amount: rise.amount }, scope), this.#words.changed(bill.name));
  }

  async #change(ask: () => ReturnType<Desk['commands']['billResume']>, said: string, undo?: () => void): Promise<boolean> {
    const done = await this.action.run(() => answer(ask()));
    if (!done) return false;
    this.desk.say(said, undo);
    await this.desk.changed();
    return true;
  }

  async #needsNone(one: OccurrenceView, mark: MarkAs, said: string): Promise<boolean> {
    const done = await this.#mark(one, mark, said);
    if (done) await this.action.run(() => warnOfWhatLeaves(this.desk, one.bill, one.due_on));
    return done;
  }

  #mark(one: OccurrenceView, mark: MarkAs, said: string): Promise<boolean> {
    return this.action.run(async () => {
      const made = await answer(this.desk.commands.occurrenceMark(one.bill, one.due_on, mark));
      this.desk.say(said, () => void takeBack(this.desk, one, [made]));
      await this.desk.changed();
    });
  }
}
