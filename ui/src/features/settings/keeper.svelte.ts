// The settings as they are kept: one change at a time, on top of what was read last, with defaults filled in.
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

export class Keeper {
  action = new Action();

  constructor(
    readonly desk: Desk,
    readonly view: View<Settings>,
  ) {}

  current: Required<Settings> = $derived.by(() => ({ ...defaults, ...this.view.data }));

  async keep(change: Partial<Settings>): Promise<boolean> {
    const wanted = { ...this.current, ...change };
    const done = await this.action.run(() => answer(this.desk.commands.settingsSet(wanted)));
    await this.view.read();
    if (done) this.desk.say(getMessages().settings.saved);
    return done;
  }

  /** The system's own list of what starts at sign-in; the shell keeps the setting with it. */
  async autostart(on: boolean): Promise<void> {
    await this.action.run(() => answer(this.desk.commands.autostart(on)));
    await this.view.read();
  }
}
