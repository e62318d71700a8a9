import { describe, expect, it } from 'vitest';
import { click, draw, fireEvent, refused, screen, waitFor, world } from '$lib/test/draw';
import Settings from './Settings.svelte';

describe('settings', () => {
  it('keep a change on top of all the others', async () => {
    const on = world();
    draw(Settings, on);
    await fireEvent.click(await screen.findByLabelText('Names and amounts in notifications'));
    await waitFor(() =>
      expect(on.commands.settingsSet).toHaveBeenCalledExactlyOnceWith({
        lock_after_minutes: 5,
        theme: 'system',
        remind_at: '09:00',
        remind_days: [5, 1],
        details_in_notifications: true,
        start_hidden_at_sign_in: true,
      }),
    );
  });

  it('put a switch back when the change was refused, and say why', async () => {
    draw(Settings, world('', { remindersTimer: () => refused('timer_not_here') }));
    const box = (await screen.findByLabelText('Remind me while Billfold is closed')) as HTMLInputElement;
    expect(box.checked).toBe(true);
    await fireEvent.click(box);
    expect(await screen.findByText('This system has no timer that Billfold can use.')).toBeTruthy();
    await waitFor(() => expect(box.checked).toBe(true));
  });

  it('wear the theme that was chosen', async () => {
    draw(Settings, world());
    await click('Dark');
    await waitFor(() => expect(document.documentElement.dataset.theme).toBe('dark'));
    delete document.documentElement.dataset.theme;
  });

  it('offer no sign-out of an account that lives on this computer alone', async () => {
    draw(Settings, world());
    expect(await screen.findByText(/lives on this computer alone/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Sign out of this computer' })).toBeNull();
  });

  it('ask before they sign out of a server', async () => {
    const on = world('?world=server');
    draw(Settings, on);
    await click('Sign out of this computer');
    expect(on.commands.signOut).not.toHaveBeenCalled();
    await click('Sign out');
    await waitFor(() => expect(on.commands.signOut).toHaveBeenCalled());
  });

  it('look at what Billfold stands on', async () => {
    draw(Settings, world());
    await click('Check now');
    expect(await screen.findByText('nobody on this desktop shows notifications')).toBeTruthy();
    expect(screen.getByRole('img', { name: 'Not good' })).toBeTruthy();
  });
});
