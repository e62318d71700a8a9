// What is to stand guard before the copy on this computer, as a person chooses and types it. The shell weighs what was
// typed; here only what is missing or differs is said.
import type { Guarding } from '$lib/ipc';

export type Guard = Guarding['by'];

/** The same as the core refuses below. */
const SHORTEST: Record<Guard, number> = { keyring: 0, keyring_and_passphrase: 6, passphrase: 12 };

export class GuardChoice {
  by = $state<Guard>('keyring');
  passphrase = $state('');
  again = $state('');
  tried = $state(false);

  constructor(by: Guard = 'keyring') {
    this.by = by;
  }

  typed: boolean = $derived(this.by !== 'keyring');
  short: boolean = $derived(this.typed && [...this.passphrase].length < SHORTEST[this.by]);
  differs: boolean = $derived(this.typed && this.passphrase !== this.again);

  /** What to ask the shell for; null while something is missing, which is then said. */
  wish(): Guarding | null {
    this.tried = true;
    if (this.by === 'keyring') return { by: 'keyring' };
    return this.short || this.differs ? null : { by: this.by, passphrase: this.passphrase };
  }

  /** What was typed is not kept longer than it is needed. */
  forget(): void {
    this.passphrase = '';
    this.again = '';
    this.tried = false;
  }
}

/** What stands guard now, typed before it changes; nothing is asked for where the keyring does alone. */
export class CurrentGuard {
  typed = $state('');

  constructor(readonly now: Guard) {}

  asked: Exclude<Guard, 'keyring'> | null = $derived.by(() => (this.now === 'keyring' ? null : this.now));
  missing: boolean = $derived.by(() => this.asked !== null && this.typed === '');
  value: string | null = $derived.by(() => (this.asked ? this.typed : null));

  forget(): void {
    this.typed = '';
  }
}
