import type { Attachment } from 'svelte/attachments';

/** A box that scrolls sideways, or down where it is tall, can be reached by keyboard, under a name; one that does not scroll takes no focus. */
export function scrolls(label: string, tall = false): Attachment<HTMLElement> {
  return (box) => {
    if (typeof ResizeObserver === 'undefined') return;
    const look = () => {
      const needed = tall ? box.scrollHeight > box.clientHeight : box.scrollWidth > box.clientWidth;
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
