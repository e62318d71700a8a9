// Takes back what was said about one due date, from the toast that said it.
import { getMessages } from '$lib/i18n';
import { answer } from '$lib/ipc';
import type { MutationId, OccurrenceView } from '$lib/ipc/bindings';
import type { Desk } from './desk.svelte';
import { Action } from './view.svelte';

/** By the ids of what was said, oldest first. What another device said of the date meanwhile stays, and is told. */
export async function takeBack(desk: Desk, one: Pick<OccurrenceView, 'bill' | 'due_on' | 'name'>, changes: readonly MutationId[]): Promise<void> {
  const words = getMessages().bills;
  let whole = true;
  const done = await new Action().run(async () => {
    for (const change of changes.toReversed()) {
      const undone = await answer(desk.commands.occurrenceUndo(one.bill, one.due_on, change));
      whole &&= undone.whole;
    }
  });
  desk.say(!done ? words.notUndone(one.name) : whole ? words.undone(one.name) : words.undoneInPart(one.name));
  await desk.changed();
}
