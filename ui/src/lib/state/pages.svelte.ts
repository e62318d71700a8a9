// Lists that come page by page, the newest first: a screen shows the first and more when asked. A change reads as many again
// as are shown, so that it does not take the person back up.
import type { PageQuery } from '$lib/ipc/bindings';
import type { Desk } from './desk.svelte';
import type { View } from './view.svelte';

export const PAGE = 50;
const PAGE_MAX = 500;
/** So many pages at most are read at once. */
const PAGES_MAX = 40;

/** The first page. */
export const FIRST: PageQuery = { limit: null, after: null };

export type Page<T> = { items: T[]; next: string | null };
export type AskPage<T> = (query: PageQuery) => Promise<Page<T>>;

/** Reads so many from a place on. With `keep`, all that it keeps of every page. */
export async function readPages<T>(ask: AskPage<T>, wanted: number, after: string | null, keep?: (item: T) => boolean): Promise<Page<T>> {
  const items: T[] = [];
  let next = after;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await ask({ limit: keep ? PAGE_MAX : Math.min(PAGE_MAX, wanted - items.length), after: next });
    items.push(...(keep ? page.items.filter(keep) : page.items));
    next = page.next;
    if (next === null || (!keep && items.length >= wanted)) break;
  }
  return { items, next };
}

/** A list on screen: what was read of it, and how to read more. */
export type Paged<T> = { view: View<Page<T>>; more: () => Promise<void> };

/** Follows a list as `desk.follow` does. To be asked for while a component begins. */
export function followPages<T>(desk: Desk, name: string, ask: AskPage<T>): Paged<T> {
  let wanted = PAGE;
  const shown = () => view.data?.items.length ?? 0;
  const view: View<Page<T>> = desk.follow(name, () => readPages(ask, Math.max(wanted, shown()), null));
  return {
    view,
    more: () => {
      wanted = shown() + PAGE;
      return view.read();
    },
  };
}
