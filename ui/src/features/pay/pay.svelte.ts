// Paying one due date: the quote, what is chosen, and the payment as it stands once confirmed.
import { parseMoney } from '$lib/format';
import { answer } from '$lib/ipc';
import type { Money, PaymentDraft, PaymentView, PayQuote, ReadinessView, VisitStarted } from '$lib/ipc/bindings';
import type { Desk } from '$lib/state/desk.svelte';
import { Action, View } from '$lib/state/view.svelte';

const DUPLICATE = 'possible_duplicate';

export class Paying {
  quote: View<PayQuote>;
  /** What stands between the person and paying. */
  ready: View<ReadinessView>;
  how = $state<'all' | 'other'>('all');
  typed = $state('');
  when = $state<'soonest' | 'day'>('soonest');
  day = $state('');
  tried = $state(false);
  made = $state.raw<PaymentView | null>(null);
  /** The method that it is drawn from; empty: the balance that the server keeps. Nothing chosen: the one that is offered first. */
  picked = $state<string | null>(null);
  action = new Action();
  cancelling = new Action();
  /** The browser's page on which the passkey approves, once it was opened. */
  approval = $state.raw<VisitStarted | null>(null);
  approving = new Action();

  constructor(
    readonly desk: Desk,
    readonly bill: string,
    readonly dueOn: string,
    planned?: string,
  ) {
    this.ready = new View(() => answer(desk.commands.readiness()));
    let wanted = planned;
    const draft = desk.draft;
    if (draft?.of.kind === 'bill' && draft.of.bill === bill && draft.of.due_on === dueOn) {
      desk.draft = null;
      this.how = draft.how === 'other' ? 'other' : 'all';
      this.typed = draft.typed;
      if (draft.day !== null) [this.when, this.day] = ['day', draft.day];
      this.picked = draft.source;
    }
    this.quote = new View(async () => {
      const quote = await answer(desk.commands.payQuote(bill, dueOn, null));
      // The day of a plan is chosen once, when it can still be; from then on it is the person's.
      if (wanted !== undefined && wanted > quote.sends_on) [this.when, this.day] = ['day', wanted];
      wanted = undefined;
      return quote;
    });
  }

  /** What the chosen day means, once that was asked: on a closed day it leaves before. Asked anew for each day. */
  arrival = $state.raw<{ sendOn: string; leaves: string; cutoff: string; by: string } | null>(null);

  async askArrival(sendOn: string): Promise<void> {
    const quote = await this.desk.commands.payQuote(this.bill, this.dueOn, sendOn);
    if (quote.status === 'ok' && this.sendOn === sendOn) this.arrival = { sendOn, leaves: quote.data.sends_on, cutoff: quote.data.cutoff_at, by: quote.data.expected_by };
  }

  /** Absent while no day is chosen, or before the answer for it came. */
  way: { leaves: string; cutoff: string; by: string } | null = $derived.by(() => {
    const quote = this.quote.data;
    if (this.when === 'soonest') return quote ? { leaves: quote.sends_on, cutoff: quote.cutoff_at, by: quote.expected_by } : null;
    return this.arrival !== null && this.arrival.sendOn === this.sendOn ? this.arrival : null;
  });

  source: string = $derived.by(() => this.picked ?? this.quote.data?.methods.find((one) => one.method.is_default)?.method.id ?? '');

  amount: Money | null = $derived.by(() => {
    const quote = this.quote.data;
    if (!quote) return null;
    if (this.how === 'all') return quote.left;
    const typed = parseMoney(this.typed, quote.amount.currency);
    return typed && typed.minor > 0 ? typed : null;
  });

  /** Absent while no day is chosen that is not before the soonest. */
  sendOn: string | null = $derived.by(() => {
    const soonest = this.quote.data?.sends_on;
    return this.when === 'day' && soonest !== undefined && this.day >= soonest ? this.day : null;
  });

  good: boolean = $derived(this.amount !== null && (this.when === 'soonest' || this.sendOn !== null));

  /** The same payee, amount and day was paid before: by the first answer, or by the server's later word. */
  duplicate: boolean = $derived(
    this.action.problem?.code === DUPLICATE || (this.made?.state === 'refused' && this.made.reason === DUPLICATE),
  );

  /** False while something in the form is wrong; then nothing was asked for. */
  async confirm(duplicateMeant: boolean): Promise<boolean> {
    this.tried = true;
    const amount = this.amount;
    if (!this.good || !amount) return false;
    const done = await this.action.run(async () => {
      this.made = await answer(
        this.desk.commands.payBill({
          bill: this.bill,
          due_on: this.dueOn,
          biller: null,
          amount,
          send_on: this.sendOn,
          duplicate_meant: duplicateMeant,
          method: this.source === '' ? null : this.source,
        }),
      );
    });
    if (done) {
      await this.#approveOnce();
      await this.desk.changed();
    }
    return true;
  }

  /** What is entered so far, over the screen at this path. */
  draft(path: string): PaymentDraft {
    const day = this.when === 'day' ? this.day : null;
    return { of: { kind: 'bill', bill: this.bill, due_on: this.dueOn }, path, how: this.how, typed: this.typed, day, source: this.picked };
  }

  async cancel(): Promise<void> {
    const made = this.made;
    if (!made) return;
    const done = await this.cancelling.run(async () => {
      this.made = await answer(this.desk.commands.paymentCancel(made.id));
    });
    if (done) await this.desk.changed();
  }

  /** The payment waits for its passkey: the person just asked for it, so the browser opens by itself the first time. */
  async approve(): Promise<void> {
    const made = this.made;
    if (!made) return;
    await this.approving.run(async () => {
      this.approval = await answer(this.desk.commands.paymentApprove(made.id));
    });
  }

  /** What became of the payment meanwhile: sent, refused, arrived. */
  async follow(): Promise<void> {
    const made = this.made;
    if (!made) return;
    const all = await this.desk.commands.payments();
    if (all.status === 'ok') this.made = all.data.find((payment) => payment.id === made.id) ?? made;
    await this.#approveOnce();
  }

  async #approveOnce(): Promise<void> {
    if (this.made?.state === 'awaiting_approval' && !this.approval && !this.approving.busy && !this.approving.problem) await this.approve();
  }
}
