// The settings as they are kept: one change after the other, none dropped, on top of what was read last, with defaults filled in.
import { getMessages } from '$lib/i18n';
import { answer } from '$lib/ipc';
import type { Settings } from '$lib/ipc/bindings';
import type { Desk } from '$lib/state/desk.svelte';
import { Action, type View } from '$lib/state/view.svelte';

const defaults: Required<Settings> = {
  lock_after_minutes: 5,
  theme: 'system',
  remind_at: '09:00',
  quiet: null,
  again_while_unpaid: true,
  tell_of_payments: true,
  remind_days: [],
  details_in_notifications: false,
  start_hidden_at_sign_in: false,
};

type Change = Partial<Settings>;

export class Keeper {
  action = new Action();
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly desk: Desk,
    readonly view: View<Settings>,
  ) {}

  current: Required<Settings> = $derived.by(() => ({ ...defaults, ...this.view.data }));

  /** What depends on the settings is worked out when its turn comes, on what the changes before it made of them. */
  keep(change: Change | ((now: Required<Settings>) => Change)): Promise<boolean> {
    return this.#inTurn(async () => {
      const wanted = { ...this.current, ...(typeof change === 'function' ? change(this.current) : change) };
      const done = await this.action.run(() => answer(this.desk.commands.settingsSet(wanted)));
      // The reading below may be overtaken by another; the next change builds on this one all the same.
      if (done) this.view.data = wanted;
      await this.view.read();
      if (done) this.desk.say(getMessages().settings.saved);
      return done;
    });
  }

  /** The system's own list of what starts at sign-in; the shell keeps the setting with it. */
  autostart(on: boolean): Promise<void> {
    return this.#inTurn(async () => {
      await this.action.run(() => answer(this.desk.commands.autostart(on)));
      await this.view.read();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn;
    return turn;
  }
}
