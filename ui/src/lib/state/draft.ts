// What is entered in the sheets that pay is kept by the core as it is typed: a lock ends this page, and it comes back after.
import type { Commands } from '$lib/ipc';
import type { PaymentDraft } from '$lib/ipc/bindings';

export class DraftKeeper {
  #last: string | null = null;
  #next: { draft: PaymentDraft | null } | null = null;
  #busy = false;

  constructor(readonly commands: Commands) {}

  /** One goes after the other, and of those that wait the newest alone. A draft that could not be kept stops nobody. */
  keep(draft: PaymentDraft | null): void {
    const text = JSON.stringify(draft);
    if (text === this.#last) return;
    this.#last = text;
    this.#next = { draft };
    if (!this.#busy) void this.#send();
  }

  async #send(): Promise<void> {
    this.#busy = true;
    while (this.#next) {
      const { draft } = this.#next;
      this.#next = null;
      await this.commands.paymentDraftKeep(draft).catch(() => {});
    }
    this.#busy = false;
  }
}
