// The transactions of one account, page by page. A new search or a change starts again at the newest.
import { answer, reasonOf, type Commands } from '$lib/ipc';
import type { AccountId, CommandError, PageQuery, TransactionView } from '$lib/ipc/bindings';
import { PAGE, readPages } from '$lib/state/pages.svelte';

/** Which of them are shown. Pending ones are asked for with the posted ones among which they stand. */
export type Span = { since: string | null; until: string | null; pending: boolean };

export const ALL: Span = { since: null, until: null, pending: false };

export class TransactionList {
  items = $state.raw<TransactionView[] | null>(null);
  next = $state.raw<string | null>(null);
  search = $state('');
  reading = $state(false);
  problem = $state.raw<CommandError | null>(null);
  #turn = 0;

  constructor(
    readonly commands: Commands,
    readonly account: AccountId,
    private span: Span = ALL,
  ) {}

  /** As many as are shown now, so that a change does not take the person back up; of another span from its newest on. */
  again(span: Span = this.span): Promise<void> {
    const same = span.since === this.span.since && span.until === this.span.until && span.pending === this.span.pending;
    this.span = span;
    return this.#ask(null, Math.max(PAGE, same ? (this.items?.length ?? 0) : 0));
  }

  more(): Promise<void> {
    return this.next === null ? Promise.resolve() : this.#ask(this.next, PAGE);
  }

  show(span: Span): Promise<void> {
    this.span = span;
    return this.find('');
  }

  /** Words are looked for in all of them. */
  find(words: string): Promise<void> {
    this.search = words;
    this.items = this.items?.slice(0, 0) ?? null;
    return this.#ask(null, PAGE);
  }

  async #ask(after: string | null, wanted: number): Promise<void> {
    const turn = ++this.#turn;
    this.reading = true;
    try {
      const search = this.search.trim() || null;
      const { since, until, pending } = search === null ? this.span : ALL;
      const page = (query: PageQuery) => answer(this.commands.transactions({ account: this.account, search, since, until, ...query }));
      const { items, next } = await readPages(page, wanted, after, pending ? (line) => line.state === 'pending' : undefined);
      if (turn !== this.#turn) return;
      this.items = after === null ? items : [...(this.items ?? []), ...items];
      this.next = next;
      this.problem = null;
    } catch (thrown) {
      if (turn === this.#turn) this.problem = reasonOf(thrown);
    } finally {
      if (turn === this.#turn) this.reading = false;
    }
  }
}
