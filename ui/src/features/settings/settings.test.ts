import { describe, expect, it } from 'vitest';
import { speak } from '$lib/i18n';
import { click, draw, fireEvent, ok, refused, screen, type, waitFor, within, world } from '$lib/test/draw';
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
        quiet: { from: '22:00', until: '07:00' },
        again_while_unpaid: true,
        tell_of_payments: true,
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

  it('keep quiet hours, and none', async () => {
    const on = world();
    draw(Settings, on);
    const from = (await screen.findByLabelText('Quiet from')) as HTMLInputElement;
    await fireEvent.input(from, { target: { value: '21:30' } });
    expect(on.commands.settingsSet, 'not with every digit').not.toHaveBeenCalled();
    await fireEvent.blur(from);
    await waitFor(() => expect(on.commands.settingsSet).toHaveBeenLastCalledWith(expect.objectContaining({ quiet: { from: '21:30', until: '07:00' } })));
    await fireEvent.click(screen.getByLabelText('Quiet hours'));
    await waitFor(() => expect(on.commands.settingsSet).toHaveBeenLastCalledWith(expect.objectContaining({ quiet: null })));
    await waitFor(() => expect(screen.queryByLabelText('Quiet from')).toBeNull());
  });

  it('keep every one of two quick changes', async () => {
    const on = world();
    draw(Settings, on);
    const boxes = await Promise.all(['Names and amounts in notifications', 'Again while unpaid'].map((name) => screen.findByLabelText(name)));
    boxes.forEach((box) => (box as HTMLInputElement).click());
    await waitFor(() => expect(on.commands.settingsSet).toHaveBeenLastCalledWith(expect.objectContaining({ details_in_notifications: true, again_while_unpaid: false })));
  });

  it('show what holds after a refusal', async () => {
    const on = world('', { settingsSet: () => refused('cache_failed') });
    draw(Settings, on);
    const minutes = (await screen.findByLabelText('Lock after')) as HTMLSelectElement;
    const kept = minutes.value;
    await fireEvent.change(minutes, { target: { value: '15' } });
    const at = screen.getByLabelText('Time of day') as HTMLInputElement;
    await fireEvent.input(at, { target: { value: '10:30' } });
    await fireEvent.blur(at);
    const lead = screen.getByLabelText('1 day before') as HTMLInputElement;
    lead.click();
    await waitFor(() => expect(on.commands.settingsSet).toHaveBeenCalledTimes(3));
    await waitFor(() => expect([minutes.value, at.value, lead.checked]).toEqual([kept, '09:00', true]));
  });

  it('make an address for other calendars, shown once, and end it', async () => {
    const on = world('?world=server');
    draw(Settings, on);
    await fireEvent.click(await screen.findByLabelText('An address to subscribe to'));
    const shown = (await screen.findByLabelText('The address, shown this once')) as HTMLInputElement;
    expect(shown.value).toMatch(/^https:\/\/accounts\.alder-lane\.example\/calendar\/.+\.ics$/);
    expect(on.commands.calendarFeedAddress).toHaveBeenCalledExactlyOnceWith(false, '09:00');
    expect(screen.getByText('Whoever has the address reads names and days')).toBeTruthy();
    await fireEvent.click(screen.getByLabelText('Amounts, too'));
    await waitFor(() => expect(on.commands.calendarFeedChange).toHaveBeenCalledExactlyOnceWith(true, '09:00'));
    expect(await screen.findByText('Whoever has the address reads names, days and amounts')).toBeTruthy();
    await click('New address');
    await waitFor(() => expect(on.commands.calendarFeedAddress).toHaveBeenLastCalledWith(true, '09:00'));
    await fireEvent.click(screen.getByLabelText('An address to subscribe to'));
    await waitFor(() => expect(on.commands.calendarFeedEnd).toHaveBeenCalled());
    await waitFor(() => expect(screen.queryByLabelText('The address, shown this once')).toBeNull());
  });

  it('say that an address of this computer is read here alone, and save the due dates as a file', async () => {
    const on = world();
    draw(Settings, on);
    expect(await screen.findByText('It is read on this computer alone, and while Billfold runs.')).toBeTruthy();
    await click('Save as a file');
    await waitFor(() => expect(on.commands.calendarFeedSave).toHaveBeenCalledOnce());
  });

  it('take everything out, and say what the passkey is wanted for', async () => {
    const visit = { address: 'http://localhost:8470/sign-in/step-up/open?secret=x', browser_opened: false };
    const on = world('', { exportEverything: () => ok({ saved: false, visit }) });
    draw(Settings, on);
    await click('Take everything out');
    expect(await screen.findByText('Open this address and say yes with your passkey')).toBeTruthy();
    expect(screen.getByText(new RegExp('step-up/open.*Then press the button again'))).toBeTruthy();
    on.commands.exportEverything = () => ok({ saved: true, visit: null });
    await click('Take everything out');
    await waitFor(() => expect(on.desk.toasts.at(-1)?.text).toBe('Everything is saved.'));
    expect(screen.queryByText('Open this address and say yes with your passkey')).toBeNull();
  });

  it('leave the switch where it was when no address could be made', async () => {
    draw(Settings, world('', { calendarFeedAddress: () => refused('server_unreachable') }));
    const box = (await screen.findByLabelText('An address to subscribe to')) as HTMLInputElement;
    await fireEvent.click(box);
    await waitFor(() => expect(box.checked).toBe(false));
    expect(screen.queryByLabelText('The address, shown this once')).toBeNull();
  });

  it('say in the language of the person what the check found', async () => {
    speak(['de-DE']);
    draw(Settings, world());
    await click('Jetzt prüfen');
    expect(await screen.findByText('Bekannt bis 31. Dez. 2028.')).toBeTruthy();
    expect(screen.getByText('Do., 12. Nov. 2026, 9:41')).toBeTruthy();
    expect(screen.getByText('Keine Antwort.')).toBeTruthy();
  });

  it('wear the theme that was chosen', async () => {
    draw(Settings, world());
    await click('Dark');
    await waitFor(() => expect(document.documentElement.dataset.theme).toBe('dark'));
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

  it('put a PIN on top of the keyring, typed twice', async () => {
    const on = world();
    draw(Settings, on);
    await click('Change');
    await click(/The keyring and a PIN/, 'radio');
    await type('New PIN or passphrase', '4927');
    await click('Save');
    expect(await screen.findByText('At least 6 digits or letters.')).toBeTruthy();
    await type('New PIN or passphrase', '492716');
    await type('Once more', '492717');
    await click('Save');
    expect(await screen.findByText('The two are not the same.')).toBeTruthy();
    await type('Once more', '492716');
    await click('Save');
    await waitFor(() => expect(on.commands.protect).toHaveBeenCalledExactlyOnceWith(null, { by: 'keyring_and_passphrase', passphrase: '492716' }));
    expect(await screen.findByText('this computer’s keyring and your PIN or passphrase')).toBeTruthy();
  });

  it('ask for the passphrase of now before another stands guard', async () => {
    const on = world();
    await on.commands.protect(null, { by: 'passphrase', passphrase: 'correct horse' });
    await on.desk.changed();
    draw(Settings, on);
    await click('Change');
    await click(/^This computer’s keyring/, 'radio');
    await click('Save');
    expect(await screen.findByText('Type the one that you use now.')).toBeTruthy();
    await type('Passphrase as it is now', 'wrong');
    await click('Save');
    expect(await screen.findByText(/That did not match/)).toBeTruthy();
    await type('Passphrase as it is now', 'correct horse');
    await click('Save');
    await waitFor(() => expect(on.desk.status.data?.protected_by).toBe('keyring'));
  });

  it('make a new recovery key for who knows the passphrase, shown this once', async () => {
    const on = world();
    await on.commands.protect(null, { by: 'passphrase', passphrase: 'correct horse' });
    await on.desk.changed();
    draw(Settings, on);
    await click('Make a new key');
    const dialog = within(await screen.findByRole('dialog'));
    const make = () => dialog.getByRole('button', { name: 'Make a new key' }).click();
    make();
    expect(await screen.findByText('Type the one that you use now.')).toBeTruthy();
    await type('Passphrase as it is now', 'wrong');
    make();
    expect(await screen.findByText(/That did not match/)).toBeTruthy();
    expect(on.desk.recoveryKey).toBeNull();
    await type('Passphrase as it is now', 'correct horse');
    make();
    await waitFor(() => expect(on.desk.recoveryKey).toBe('3HTWR-Q8NVM-5XKCD-Z2PAY-E7JBF'));
  });

  it('look at what Billfold stands on also where they cannot be read, as the link to the check asks', async () => {
    const on = world('', { settings: () => refused('cache_failed') });
    draw(Settings, on);
    expect((await screen.findByRole('link', { name: 'Self-check' })).getAttribute('href')).toBe('/settings#check');
    window.location.hash = '#check';
    expect(await screen.findByText('It did not answer.')).toBeTruthy();
    window.history.replaceState(null, '', window.location.pathname);
  });

  it('look at what Billfold stands on', async () => {
    draw(Settings, world());
    await click('Check now');
    expect(await screen.findByText('It did not answer.')).toBeTruthy();
    expect(screen.getByRole('img', { name: 'Needs attention' })).toBeTruthy();
  });
});
