// The way to a first sign-in, step by step. What happens in the browser is told by the shell's event, which the desk holds.
import { answer, type Ipc } from '$lib/ipc';
import type { SignIn, SignInStarted } from '$lib/ipc/bindings';
import type { Desk } from '$lib/state/desk.svelte';
import { Action } from '$lib/state/view.svelte';

export type Step = 'where' | 'account' | 'server' | 'browser';

export class SignInFlow {
  step = $state<Step>('where');
  name = $state('');
  address = $state('');
  /** The computer is somebody else's: nothing is kept on it. */
  notMine = $state(false);
  started = $state.raw<SignInStarted | null>(null);
  action = new Action();
  /** Where a cancelled or refused sign-in returns to; what was typed stays. */
  #from: Step = 'where';

  constructor(
    readonly ipc: Ipc,
    readonly desk: Desk,
  ) {}

  to(step: Step): void {
    this.action.clear();
    this.desk.signInEnd = null;
    if (step !== 'account') this.desk.bringsBack = false;
    this.step = step;
  }

  /** An archive goes into an account: a new one here comes first. */
  bringBack(): void {
    this.desk.bringsBack = true;
    this.to('account');
  }

  /** Without a passkey: the keys are kept by the system's keyring. */
  async startHere(): Promise<void> {
    await this.action.run(async () => {
      const { recovery_key } = await answer(this.ipc.commands.startHere(this.name.trim()));
      this.desk.recoveryKey = recovery_key;
      await this.desk.changed();
    });
  }

  withPasskey(): Promise<void> {
    return this.#begin(() => answer(this.ipc.commands.startWithPasskey(this.name.trim())));
  }

  connect(create: boolean): Promise<void> {
    return this.#begin(() => answer(this.ipc.commands.connect(this.address.trim(), create, this.notMine)));
  }

  async cancel(): Promise<void> {
    await this.action.run(() => answer(this.ipc.commands.signInCancel()));
    this.started = null;
    this.step = this.#from;
  }

  ended(end: SignIn): void {
    this.started = null;
    if (end.done) return;
    if (this.step === 'browser') this.step = this.#from;
    this.action.problem = end.error;
  }

  async #begin(ask: () => Promise<SignInStarted>): Promise<void> {
    this.#from = this.step;
    this.desk.signInEnd = null;
    await this.action.run(async () => {
      const started = await ask();
      // The browser may be quicker than this answer.
      if (this.desk.signInEnd !== null) return;
      this.started = started;
      this.step = 'browser';
    });
  }
}
