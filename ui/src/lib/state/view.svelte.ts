// One view of the shell on screen: what was read last stays until something newer is here.
import { nowHere } from '$lib/format';
import { reasonOf } from '$lib/ipc';
import type { CommandError } from '$lib/ipc/bindings';

export class View<T> {
  data = $state.raw<T | null>(null);
  /** When the data was read. */
  readAt = $state.raw<string | null>(null);
  problem = $state.raw<CommandError | null>(null);
  reading = $state(false);
  #turn = 0;
  #ask: () => Promise<T>;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  /** Asked in another way from now on; what was read stays until it is. */
  asks(ask: () => Promise<T>): void {
    this.#ask = ask;
  }

  /** Reads again. An answer that was overtaken by a later reading is dropped. */
  async read(): Promise<void> {
    const turn = ++this.#turn;
    this.reading = true;
    try {
      const data = await this.#ask();
      if (turn !== this.#turn) return;
      this.data = data;
      this.readAt = nowHere();
      this.problem = null;
    } catch (thrown) {
      if (turn === this.#turn) this.problem = reasonOf(thrown);
    } finally {
      if (turn === this.#turn) this.reading = false;
    }
  }
}

/** One change at a time: whether it is under way, and why the last one was refused. */
export class Action {
  busy = $state(false);
  problem = $state.raw<CommandError | null>(null);

  /** True when it was done. A second press while it is under way does nothing. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = null;
    try {
      await work();
      return true;
    } catch (thrown) {
      this.problem = reasonOf(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  }

  clear(): void {
    this.problem = null;
  }
}
