// The transactions of one account, page by page. A new search or a change starts again at the newest.
import { answer, reasonOf, type Commands } from '$lib/ipc';
import type { AccountId, CommandError, TransactionView } from '$lib/ipc/bindings';

const PAGE = 50;

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
  ) {}

  /** As many as are shown now, so that a change does not take the person back up. */
  again(): Promise<void> {
    return this.#ask(null, Math.min(500, Math.max(PAGE, this.items?.length ?? 0)));
  }

  more(): Promise<void> {
    return this.next === null ? Promise.resolve() : this.#ask(this.next, PAGE);
  }

  find(words: string): Promise<void> {
    this.search = words;
    this.items = this.items?.slice(0, 0) ?? null;
    return this.#ask(null, PAGE);
  }

  async #ask(after: string | null, limit: number): Promise<void> {
    const turn = ++this.#turn;
    this.reading = true;
    try {
      const search = this.search.trim() || null;
      const query = { account: this.account, search, since: null, until: null, limit, after };
      const page = await answer(this.commands.transactions(query));
      if (turn !== this.#turn) return;
      this.items = after === null ? page.items : [...(this.items ?? []), ...page.items];
      this.next = page.next;
      this.problem = null;
    } catch (thrown) {
      if (turn === this.#turn) this.problem = reasonOf(thrown);
    } finally {
      if (turn === this.#turn) this.reading = false;
    }
  }
}
