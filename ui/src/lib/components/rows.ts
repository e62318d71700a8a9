import type { Attachment } from 'svelte/attachments';
import { on } from 'svelte/events';

/** Arrows, Home and End go from row to row of a list, to what opens the row. A menu that is open in a row has them first. */
export const byArrows: Attachment<HTMLElement> = (list) =>
  on(list, 'keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const rows = [...list.querySelectorAll<HTMLElement>('th[scope=row] > :is(button, a).name')];
    const at = rows.findIndex((row) => row.closest('tr')?.contains(event.target as Node));
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
    const step = steps[event.key];
    if (at < 0 || step === undefined) return;
    rows[Math.min(Math.max(step, 0), rows.length - 1)]?.focus();
    event.preventDefault();
  });
