// What all screens share: the status, the views that were read, toasts, and the dialogs that any screen may ask for.
import { createContext, untrack } from 'svelte';
import { todayHere } from '$lib/format';
import { answer, type Commands } from '$lib/ipc';
import type { Account, Bill, BillId, ImportOffer, Money, OccurrenceView, PaymentDraft, SignIn, StatusView } from '$lib/ipc/bindings';
import { DraftKeeper } from './draft';
import { Action, View } from './view.svelte';

const TOAST_MS = 10_000;
const TOASTS_MAX = 3;
const OFFERS_MAX = 20;

export type Toast = { id: number; text: string; undo?: () => void; warns?: Warning };
/** What the person would want to do about it. */
type Warning = { label: string; act: () => void };

/** An edit opened from a due date may be for that one and later ones, or for that one alone; its amount is the one shown there. */
export type Typing = { bill: Bill | null; amount?: Money; dueOn?: string | null; one?: OccurrenceView | null };

export class Desk {
  status: View<StatusView>;
  /** Grows with every change that the shell tells; screens read again when it does. */
  version = $state(0);
  /** What the screen is about, beside its name in the bar. */
  subject = $state('');
  toasts = $state.raw<Toast[]>([]);
  paying = $state.raw<{ bill: BillId; dueOn: string; on?: string } | null>(null);
  /** The card of the server that is paid. */
  payingCard = $state.raw<Account | null>(null);
  /** What was being entered when it locked, for the sheet that it belongs to. */
  draft = $state.raw<PaymentDraft | null>(null);
  readonly drafts: DraftKeeper;
  /** The bill that is being typed: an edit, or a new one when it has none. */
  typing = $state.raw<Typing | null>(null);
  /** Files that came in and wait for the person's word, the one that is shown first. */
  offers = $state.raw<readonly ImportOffer[]>([]);
  /** Shown once, right after keys were made; kept nowhere. */
  recoveryKey = $state.raw<string | null>(null);
  /** A new recovery key is about to be made. */
  makingKey = $state(false);
  /** How the last sign-in in the browser ended; held here, for the screen that began it may be gone by then. */
  signInEnd = $state.raw<SignIn | null>(null);
  /** Begun anew with an archive to bring back: it is asked for once the account stands. */
  bringsBack = $state(false);
  /** The address of the server whose session ended and is begun again. */
  signingIn = $state<string | null>(null);
  palette = $state(false);
  keys = $state(false);
  /** A card is about to be frozen. */
  freezing = $state(false);
  sync = new Action();
  choosing = new Action();
  #views = new Map<string, View<unknown>>();
  #next = 1;

  constructor(
    readonly commands: Commands,
    readonly go: (path: string) => void = () => {},
  ) {
    this.status = new View(() => answer(commands.status()));
    this.drafts = new DraftKeeper(commands);
  }

  get offer(): ImportOffer | null {
    return this.offers[0] ?? null;
  }

  get today(): string {
    return todayHere();
  }

  /** Without the server: what it alone can change is off. */
  get offline(): boolean {
    return this.status.data !== null && !this.status.data.online;
  }

  changed(): Promise<void> {
    this.version += 1;
    return this.status.read();
  }

  async signInEnded(end: SignIn): Promise<void> {
    if (end.recovery_key) this.recoveryKey = end.recovery_key;
    this.signInEnd = { ...end, recovery_key: null };
    if (end.done) await this.changed();
  }

  /**
   * A view that reads itself again whenever the shell tells of a change. What was read last is there at once, also on
   * the way back to a screen; it is asked by the component that began last. To be asked for while a component begins.
   */
  follow<T>(name: string, ask: () => Promise<T>): View<T> {
    const view = (this.#views.get(name) as View<T> | undefined) ?? new View(ask);
    view.asks(ask);
    this.#views.set(name, view);
    $effect(() => {
      void this.version;
      untrack(() => void this.#read(view));
    });
    return view;
  }

  /** Says in the bar what the screen is about, as long as the screen stands. To be asked for while a component begins. */
  shows(subject: () => string): void {
    $effect(() => {
      const mine = subject();
      this.subject = mine;
      return () => {
        if (untrack(() => this.subject) === mine) this.subject = '';
      };
    });
  }

  /** Drops everything that was read: after a lock nothing of it may stay in memory. */
  forget(): void {
    this.#views.clear();
    this.toasts = [];
    this.paying = null;
    this.payingCard = null;
    this.draft = null;
    this.typing = null;
    this.offers = [];
    this.palette = false;
    this.keys = false;
    this.freezing = false;
    this.makingKey = false;
  }

  /** Opens the sheet that pays one due date, with the day that a plan has for it. */
  pay(bill: BillId, dueOn: string, on?: string): void {
    this.paying = { bill, dueOn, on };
  }

  /** Opens again what was being entered when it locked, over the screen where that was. */
  async takeDraftUp(): Promise<void> {
    const kept = await this.commands.paymentDraft();
    if (kept.status !== 'ok' || kept.data === null || this.paying || this.payingCard) return;
    const { of, path } = kept.data;
    const accounts = of.kind === 'card' ? await this.commands.accounts() : null;
    const card = accounts?.status === 'ok' && of.kind === 'card' ? accounts.data.find(({ account }) => account.id === of.card)?.account : null;
    if (of.kind === 'card' && !card) return;
    this.draft = kept.data;
    this.go(path);
    if (of.kind === 'bill') this.paying = { bill: of.bill, dueOn: of.due_on };
    else this.payingCard = card ?? null;
  }

  /** A file that comes while another is shown waits behind it; of too many the oldest that wait are given back. */
  offered(offer: ImportOffer): void {
    const [shown, ...waiting] = [...this.offers, offer];
    const over = waiting.splice(0, Math.max(0, waiting.length + 1 - OFFERS_MAX));
    for (const { token } of over) void this.commands.importDiscard(token);
    this.offers = shown ? [shown, ...waiting] : [];
  }

  /** This file is done with: the next one is shown. */
  offerDone({ token }: ImportOffer): void {
    this.offers = this.offers.filter((one) => one.token !== token);
  }

  async chooseImport(): Promise<void> {
    await this.choosing.run(async () => {
      const offer = await answer(this.commands.importChoose());
      if (offer) this.offered(offer);
    });
    if (this.choosing.problem) this.go(`/import?refused=${this.choosing.problem.code}`);
  }

  async syncNow(): Promise<void> {
    await this.sync.run(() => answer(this.commands.syncNow()));
    await this.changed();
  }

  async lock(): Promise<void> {
    await answer(this.commands.lock());
    await this.changed();
  }

  /** Says that something is done, for 10 seconds. Refusals are never only said here. */
  say(text: string, undo?: () => void): void {
    const toast: Toast = { id: this.#next++, text, undo };
    this.toasts = [...this.toasts, toast].slice(-TOASTS_MAX);
    setTimeout(() => this.hush(toast.id), TOAST_MS);
  }

  /** Says what the person may not expect, until it is put away. */
  warn(text: string, warns: Warning): void {
    this.toasts = [...this.toasts, { id: this.#next++, text, warns }].slice(-TOASTS_MAX);
  }

  hush(id: number): void {
    this.toasts = this.toasts.filter((toast) => toast.id !== id);
  }

  async #read(view: View<unknown>): Promise<void> {
    await view.read();
    if (view.problem?.code === 'locked' || view.problem?.code === 'no_account') await this.status.read();
  }
}

export const [getDesk, setDesk] = createContext<Desk>();
