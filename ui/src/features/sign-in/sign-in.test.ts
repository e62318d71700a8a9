import { describe, expect, it } from 'vitest';
import type { SignIn } from '$lib/ipc/bindings';
import { click, draw, ok, refused, screen, type, waitFor, world, type World } from '$lib/test/draw';
import AgainDialog from './AgainDialog.svelte';
import LockScreen from './LockScreen.svelte';
import Welcome from './Welcome.svelte';

/** The welcome, and the hand that tells how the browser ended. */
function welcome(on: World) {
  draw(Welcome, on, { ipc: on.ipc });
  return { tell: (end: SignIn) => void on.desk.signInEnded(end) };
}

describe('the first run', () => {
  it('wants a name before it starts', async () => {
    const on = world('?world=welcome');
    welcome(on);
    await click(/Start on this computer/);
    await click('Start without a passkey');
    expect(await screen.findByText('Type a name.')).toBeTruthy();
    expect(on.commands.startHere).not.toHaveBeenCalled();
  });

  it('leads whoever was here before to the server, or to a new account that an archive goes into', async () => {
    const on = world('?world=welcome');
    welcome(on);
    await click('Sign in to your account server');
    expect(await screen.findByRole('heading', { name: 'Which account server?' })).toBeTruthy();
    await click('Back');
    await click('bring an archive back');
    expect(await screen.findByText(/you choose the archive, and everything in it comes back/)).toBeTruthy();
    expect(on.desk.bringsBack).toBe(true);
    await click('Back');
    expect(on.desk.bringsBack).toBe(false);
  });

  it('shows the recovery key once, and goes on only when it is kept', async () => {
    const on = world('?world=welcome');
    welcome(on);
    await click(/Start on this computer/);
    await type('Your name, as you want to see it', 'Ines Calloway');
    await click('Start without a passkey');
    expect(await screen.findByText(/^7QKM4/)).toBeTruthy();
    await click('Copy');
    expect(on.commands.copySecret).toHaveBeenCalledWith('7QKM4-XD2RV-H8WTN-C3PYA-6JBFE-5MZ2K');
    expect(await screen.findByText('It leaves the clipboard in 10 seconds.')).toBeTruthy();
    const go = screen.getByRole('button', { name: 'Go to Home' }) as HTMLButtonElement;
    expect(go.disabled).toBe(true);
    await click('I keep it somewhere safe', 'checkbox');
    expect(go.disabled).toBe(false);
    await click('Go to Home');
    expect(on.desk.recoveryKey).toBeNull();
  });

  it('shows the two digits while the browser is open, and can be cancelled', async () => {
    const on = world('?world=welcome');
    welcome(on);
    await click(/Connect to an account server/);
    await type('Address', 'accounts.example.org');
    await click('Sign in');
    expect(on.commands.connect).toHaveBeenCalledWith('accounts.example.org', false, false);
    expect(await screen.findByText('62')).toBeTruthy();
    await click('Cancel');
    expect(on.commands.signInCancel).toHaveBeenCalled();
    expect(((await screen.findByLabelText('Address')) as HTMLInputElement).value).toBe('accounts.example.org');
  });

  it('keeps nothing on a computer that is not the person’s', async () => {
    const on = world('?world=welcome');
    welcome(on);
    await click(/Connect to an account server/);
    await type('Address', 'accounts.example.org');
    await click('This is not my computer', 'checkbox');
    await click('Sign in');
    expect(on.commands.connect).toHaveBeenCalledWith('accounts.example.org', false, true);
  });

  it('comes back to what was typed when the browser ends badly, with what to do', async () => {
    const on = world('?world=welcome');
    const { tell } = welcome(on);
    await click(/Connect to an account server/);
    await type('Address', 'accounts.example.org');
    await click('Create an account there');
    await screen.findByText('62');
    tell({ done: false, error: { code: 'sign_in_timed_out', message: '', next: '' }, recovery_key: null });
    expect(await screen.findByText('The browser did not come back in time.')).toBeTruthy();
    expect((screen.getByLabelText('Address') as HTMLInputElement).value).toBe('accounts.example.org');
  });

  it('shows the recovery key of keys that the browser sign-in made', async () => {
    const on = world('?world=welcome');
    const { tell } = welcome(on);
    await waitFor(() => tell({ done: true, error: null, recovery_key: 'ABCDE-FGHJK' }));
    expect(await screen.findByText('ABCDE-FGHJK')).toBeTruthy();
  });

  it('names the address when no browser came up', async () => {
    const started = { match_code: '07', address: 'http://127.0.0.1:1/authorize', browser_opened: false };
    welcome(world('?world=welcome', { startWithPasskey: () => ok(started) }));
    await click(/Start on this computer/);
    await type('Your name, as you want to see it', 'Ines');
    await click('Make a passkey in the browser');
    expect(await screen.findByText('No browser came up. Open this address in yours:')).toBeTruthy();
    expect(screen.getByDisplayValue('http://127.0.0.1:1/authorize')).toBeTruthy();
  });
});

describe('the lock', () => {
  it('names nobody and no amount', async () => {
    draw(LockScreen, world('?world=locked'));
    expect(await screen.findByRole('heading', { name: 'Locked after 5 minutes' })).toBeTruthy();
    expect(document.body.textContent).not.toMatch(/Ines|\$/);
  });

  it('says why only where there is more to say than that it is locked', async () => {
    const on = world('?world=plain');
    await on.desk.lock();
    draw(LockScreen, on);
    expect(await screen.findByRole('heading', { name: 'Billfold is locked' })).toBeTruthy();
  });

  it('opens with the keyring', async () => {
    const on = world('?world=locked');
    draw(LockScreen, on);
    await click('Unlock');
    await waitFor(() => expect(on.desk.status.data?.phase).toBe('ready'));
    expect(on.commands.unlock).toHaveBeenCalledWith(null);
  });

  it('says what is usual when the passphrase does not match, and keeps it', async () => {
    const on = world('?world=passphrase');
    draw(LockScreen, on);
    await type('Passphrase', 'wrong');
    await click('Unlock');
    expect(await screen.findByText(/That did not match. Often it is Caps Lock./)).toBeTruthy();
    await type('Passphrase', 'correct horse');
    await click('Unlock');
    await waitFor(() => expect(on.desk.status.data?.phase).toBe('ready'));
  });

  it('asks for the PIN where one stands on top of the keyring', async () => {
    const on = world('?world=pin');
    draw(LockScreen, on);
    await type('PIN or passphrase', '492716');
    await click('Unlock');
    await waitFor(() => expect(on.commands.unlock).toHaveBeenCalledWith('492716'));
    await waitFor(() => expect(on.desk.status.data?.phase).toBe('ready'));
  });

  it('says what the keyring lost before anybody asks, and is repaired with the recovery key', async () => {
    const on = world('?world=keyring-gone');
    draw(LockScreen, on);
    expect(await screen.findByText('The system keyring no longer has your key.')).toBeTruthy();
    expect([...document.querySelectorAll('.button.primary')].map((button) => button.textContent?.trim())).toEqual(['Use the recovery key']);
    await click('Use the recovery key');
    await click('Open and repair');
    expect(await screen.findByText('Type the key from your recovery sheet.')).toBeTruthy();
    expect(on.commands.repair).not.toHaveBeenCalled();
    await type('Recovery key', 'AAAAA-AAAAA');
    await click('Open and repair');
    expect(await screen.findByText('That recovery key did not match.')).toBeTruthy();
    await type('Recovery key', '7QKM4-XD2RV-H8WTN-C3PYA-6JBFE');
    await click('Open and repair');
    await waitFor(() => expect(on.commands.repair).toHaveBeenLastCalledWith('7QKM4-XD2RV-H8WTN-C3PYA-6JBFE', { by: 'keyring' }));
    await waitFor(() => expect(on.desk.status.data?.phase).toBe('ready'));
  });

  it('says that only the server opens a copy that was not checked for long, and offers nothing that would not help', async () => {
    draw(LockScreen, world('?world=unheard'));
    expect(await screen.findByText('The server has not been reached for 30 days, so the copy here stays locked.')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Use the recovery key' })).toBeNull();
    await click('Unlock');
    expect(await screen.findByText(/Connect to the internet, then unlock again/)).toBeTruthy();
  });

  it('says that the disk is full, and offers no key, for the keys are fine', async () => {
    const on = world('?world=unheard');
    const status = await on.ipc.commands.status();
    if (status.status !== 'ok') throw new Error('no status');
    on.desk.commands.status = () => ok({ ...status.data, trouble: 'disk_full' });
    draw(LockScreen, on);
    expect(await screen.findByText('The disk is full.')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Use the recovery key' })).toBeNull();
  });

  it('offers a passphrase alone where no keyring answers', async () => {
    draw(LockScreen, world('?world=no-keyring'));
    await click('Use the recovery key');
    expect(((await screen.findByRole('radio', { name: /A passphrase alone/ })) as HTMLInputElement).checked).toBe(true);
  });
});

describe('a session that ended', () => {
  function again(on: World) {
    on.desk.signingIn = 'https://accounts.example.org';
    draw(AgainDialog, on, { ipc: on.ipc, address: on.desk.signingIn });
    return { tell: (end: SignIn) => void on.desk.signInEnded(end) };
  }

  it('is begun again in the browser, with the same two digits, and then the dialog goes', async () => {
    const on = world('?world=plain');
    const { tell } = again(on);
    expect(await screen.findByText('Go on in your browser')).toBeTruthy();
    expect(on.commands.connect).toHaveBeenCalledWith('https://accounts.example.org', false, false);
    expect(on.desk.signingIn).not.toBeNull();
    tell({ done: true, error: null, recovery_key: null });
    await waitFor(() => expect(on.desk.signingIn).toBeNull());
  });

  it('says why when the server cannot be reached, and stays', async () => {
    const on = world('?world=plain', { connect: () => refused('server_unreachable') });
    again(on);
    expect(await screen.findByText(/server_unreachable/)).toBeTruthy();
    expect(on.desk.signingIn).not.toBeNull();
  });
});
