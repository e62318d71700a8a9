// What can be done with a row, in the list and in the chosen bill alike.
import type { MenuItem } from '$lib/components/menu';
import type { Messages } from '$lib/i18n';
import { isOpen } from '$lib/state/standing';
import type { Row } from './groups';
import type { Marks } from './marks';

export type Tools = {
  marks: Marks;
  choose: (row: Row) => void;
  once: (row: Row) => void;
  edit: (row: Row) => void;
  move: (row: Row) => void;
  pause: (row: Row) => void;
  remove: (row: Row) => void;
  /** Goes to the card that asks for it. */
  open: (row: Row) => void;
};

export function menuOf(row: Row, tools: Tools, messages: Messages): MenuItem[] {
  const words = messages.bills;
  const items: MenuItem[] = [];
  const one = row.one;
  if (row.issued) {
    if (one && isOpen(one)) items.push({ label: words.snooze, icon: 'bell', act: () => void tools.marks.snooze(one) });
    return [...items, { label: words.openCard, icon: 'card', act: () => tools.open(row) }];
  }
  if (one && isOpen(one)) {
    items.push({ label: words.markPaid, icon: 'check', act: () => void tools.marks.paid(one) });
    items.push({ label: words.skip, icon: 'skipped', act: () => void tools.marks.skip(one) });
    items.push({ label: words.amountOnce, icon: 'note', act: () => tools.once(row) });
    items.push({ label: words.move, icon: 'scheduled', act: () => tools.move(row) });
    items.push({ label: words.snooze, icon: 'bell', act: () => void tools.marks.snooze(one) });
  }
  if (one && isMarked(row)) items.push({ label: words.undoMark, icon: 'undo', act: () => void tools.marks.unmark(one) });
  if (row.view.paused) items.push({ label: words.resume, icon: 'undo', act: () => void tools.marks.resume(row.view.bill) });
  else if (row.view.bill.schedule.every !== 'once') items.push({ label: words.pause, icon: 'held', act: () => tools.pause(row) });
  items.push({ label: words.edit, icon: 'edit', act: () => tools.edit(row) });
  items.push({ label: words.remove, icon: 'remove', danger: true, act: () => tools.remove(row) });
  return items;
}

/** Settled by the person's word, not by a payment: that word can be taken back. */
export function isMarked(row: Row): boolean {
  const one = row.one;
  return one !== null && (one.state === 'skipped' || one.falls_on !== one.due_on || (one.state === 'paid' && one.payment === null));
}
