// What a person says about one due date. Each word can be taken back from the toast.
import { addDays, formatDay, formatMoney } from '$lib/format';
import { getMessages } from '$lib/i18n';
import { answer } from '$lib/ipc';
import type { Bill, EditScope, MarkAs, Money, OccurrenceView, RiseView } from '$lib/ipc/bindings';
import type { Desk } from '$lib/state/desk.svelte';
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
    return this.#mark(one, { kind: 'amount', amount }, this.#words.changed(one.name), true);
  }

  move(one: OccurrenceView, to: string): Promise<boolean> {
    return this.#mark(one, { kind: 'moved', to }, this.#words.moved(one.name, formatDay(to)), true);
  }

  /** This date alone costs something else or falls on another day; what stays as it is, is not marked. */
  only(one: OccurrenceView, amount: Money, on: string): Promise<boolean> {
    const changes: MarkAs[] = [];
    if (amount.minor !== one.amount.minor) changes.push({ kind: 'amount', amount });
    if (on !== one.falls_on) changes.push({ kind: 'moved', to: on });
    return this.action.run(async () => {
      for (const change of changes) await answer(this.desk.commands.occurrenceMark(one.bill, one.due_on, change));
      if (changes.length === 0) return;
      const kinds = changes.map((change) => change.kind);
      this.desk.say(this.#words.changedOnce(one.name, formatDay(on)), () => void this.#takeBack(one, kinds));
      await this.desk.changed();
    });
  }

  unmark(one: OccurrenceView): Promise<boolean> {
    return this.#mark(one, { kind: 'unmarked' }, this.#words.unmarked(one.name), false);
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
    return this.#change(() => this.desk.commands.billEdit({ ...bill, amount: rise.amount }, scope), this.#words.changed(bill.name));
  }

  async #change(ask: () => ReturnType<Desk['commands']['billResume']>, said: string, undo?: () => void): Promise<boolean> {
    const done = await this.action.run(() => answer(ask()));
    if (!done) return false;
    this.desk.say(said, undo);
    await this.desk.changed();
    return true;
  }

  async #needsNone(one: OccurrenceView, mark: MarkAs, said: string): Promise<boolean> {
    const done = await this.#mark(one, mark, said, true);
    if (done) await this.action.run(() => warnOfWhatLeaves(this.desk, one.bill, one.due_on));
    return done;
  }

  async #mark(one: OccurrenceView, mark: MarkAs, said: string, canUndo: boolean): Promise<boolean> {
    const done = await this.action.run(() => answer(this.desk.commands.occurrenceMark(one.bill, one.due_on, mark)));
    if (!done) return false;
    this.desk.say(said, canUndo ? () => void this.#takeBack(one, [mark.kind]) : undefined);
    await this.desk.changed();
    return true;
  }

  /**
   * Takes back what was said last: a date goes back to the day on which it fell before, and one that had been moved
   * stays moved. An amount of one date cannot be taken back alone, nor be told from the bill's own.
   */
  #takeBack(one: OccurrenceView, kinds: readonly MarkAs['kind'][]): Promise<boolean> {
    const where: MarkAs = { kind: 'moved', to: one.falls_on };
    const onlyMoved = kinds.every((kind) => kind === 'moved');
    const marks: MarkAs[] = onlyMoved ? [where] : one.falls_on === one.due_on ? [{ kind: 'unmarked' }] : [{ kind: 'unmarked' }, where];
    return this.action.run(async () => {
      for (const mark of marks) await answer(this.desk.commands.occurrenceMark(one.bill, one.due_on, mark));
      this.desk.say(this.#words.unmarked(one.name));
      await this.desk.changed();
    });
  }
}
