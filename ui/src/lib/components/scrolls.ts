import type { Attachment } from 'svelte/attachments';

/** A box that scrolls sideways can be reached by keyboard, under a name; one that does not scroll takes no focus. */
export function scrolls(label: string): Attachment<HTMLElement> {
  return (box) => {
    if (typeof ResizeObserver === 'undefined') return;
    const look = () => {
      const needed = box.scrollWidth > box.clientWidth;
      for (const [name, value] of [['tabindex', '0'], ['role', 'group'], ['aria-label', label]] as const) {
        if (needed) box.setAttribute(name, value);
        else box.removeAttribute(name);
      }
    };
    const observer = new ResizeObserver(look);
    observer.observe(box);
    if (box.firstElementChild) observer.observe(box.firstElementChild);
    return () => observer.disconnect();
  };
}
