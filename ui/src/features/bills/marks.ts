// What a person says about one due date. Each word can be taken back from the toast.
import { getMessages } from '$lib/i18n';
import { answer } from '$lib/ipc';
import type { MarkAs, Money, OccurrenceView } from '$lib/ipc/bindings';
import type { Desk } from '$lib/state/desk.svelte';
import { Action } from '$lib/state/view.svelte';

export class Marks {
  action = new Action();
  #words = getMessages().bills;

  constructor(readonly desk: Desk) {}

  paid(one: OccurrenceView): Promise<boolean> {
    return this.#mark(one, { kind: 'paid', amount: null }, this.#words.marked(one.name), true);
  }

  skip(one: OccurrenceView): Promise<boolean> {
    return this.#mark(one, { kind: 'skipped' }, this.#words.skipped(one.name), true);
  }

  amount(one: OccurrenceView, amount: Money): Promise<boolean> {
    return this.#mark(one, { kind: 'amount', amount }, this.#words.changed(one.name), true);
  }

  unmark(one: OccurrenceView): Promise<boolean> {
    return this.#mark(one, { kind: 'unmarked' }, this.#words.unmarked(one.name), false);
  }

  snooze(one: OccurrenceView): Promise<boolean> {
    return this.action.run(async () => {
      await answer(this.desk.commands.reminderSnooze(one.bill, one.due_on, Math.max(0, one.days)));
      this.desk.say(this.#words.snoozed(one.name));
    });
  }

  async #mark(one: OccurrenceView, mark: MarkAs, said: string, canUndo: boolean): Promise<boolean> {
    const done = await this.action.run(() => answer(this.desk.commands.occurrenceMark(one.bill, one.due_on, mark)));
    if (!done) return false;
    this.desk.say(said, canUndo ? () => void this.unmark(one) : undefined);
    await this.desk.changed();
    return true;
  }
}
