import { createRawSnippet } from 'svelte';
import { cleanup, render } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ipc } from '$lib/ipc';
import { sampleIpc } from '$lib/ipc/sample';
import type { ImportOffered, SignIn } from '$lib/ipc/bindings';
import { click, fireEvent, screen, type, waitFor } from '$lib/test/draw';
import { wear } from '$lib/state/preferences';
import Layout from './+layout.svelte';

const { goto } = vi.hoisted(() => ({ goto: vi.fn(async () => {}) }));
vi.mock('$app/navigation', () => ({ goto }));
vi.mock('$app/state', () => ({ page: { url: new URL('http://localhost/bills') } }));

const children = createRawSnippet(() => ({ render: () => '<p>the screen</p>' }));
let ipc: Ipc;
let offer: (offered: ImportOffered) => void;
let open: (path: string) => void;
let signIn: (end: SignIn) => void;
let change: () => void;

beforeEach(() => goto.mockClear());

function window(query = '') {
  ipc = sampleIpc(query);
  for (const name of Object.keys(ipc.commands) as (keyof Ipc['commands'])[]) vi.spyOn(ipc.commands, name);
  ipc.onImportOffered = async (told) => ((offer = told), () => {});
  ipc.onSignIn = async (told) => ((signIn = told), () => {});
  const { onChanged } = ipc;
  ipc.onChanged = async (told) => ((change = () => told(1)), onChanged(told));
  ipc.onOpenScreen = async (told) => ((open = told), () => {});
  render(Layout, { props: { data: { ipc }, children } as never });
}

describe('what the window shows', () => {
  it('is the welcome without an account, the lock while locked, and else the screens', async () => {
    window('?world=welcome');
    expect(await screen.findByRole('heading', { name: 'Where should your account live?' })).toBeTruthy();
    window('?world=locked');
    expect(await screen.findByRole('heading', { name: 'Locked after 5 minutes' })).toBeTruthy();
    window();
    expect(await screen.findByText('the screen')).toBeTruthy();
  });

  it('offers a new recovery key where the one that was shown was never said to be noted', async () => {
    window();
    await screen.findByText('the screen');
    signIn({ done: true, error: null, recovery_key: '7QKM4-XD2RV-H8WTN-C3PYA-6JBFE-5MZ2K' });
    await ipc.commands.recoveryKeyNew(null);
    expect(await screen.findByRole('heading', { name: 'Keep your recovery key' })).toBeTruthy();
    cleanup();
    // The lock took the window with the key: the new one knows nothing of it.
    render(Layout, { props: { data: { ipc }, children } as never });
    expect(await screen.findByText('Your recovery key is not noted')).toBeTruthy();
    await click('Make a new key');
    await fireEvent.click((await screen.findAllByRole('button', { name: 'Make a new key' })).at(-1)!);
    expect(await screen.findByText('3HTWR-Q8NVM-5XKCD-Z2PAY-E7JBF')).toBeTruthy();
    await fireEvent.click(screen.getByRole('checkbox'));
    await fireEvent.click(screen.getAllByRole('button').at(-1)!);
    await screen.findByText('the screen');
    expect(screen.queryByText('Your recovery key is not noted')).toBeNull();
  });

  it('brings a payment that was being entered back after a lock, and drops it when it is closed', async () => {
    window();
    await screen.findByText('the screen');
    await ipc.commands.paymentDraftKeep({ of: { kind: 'bill', bill: 'bill-power', due_on: '2026-11-16' }, path: '/plan', how: 'other', typed: '12.34', day: null, source: '' });
    await fireEvent.keyDown(globalThis.window, { key: 'l', ctrlKey: true });
    expect(await screen.findByRole('heading', { name: 'Billfold is locked' })).toBeTruthy();
    cleanup();
    await ipc.commands.unlock(null);
    render(Layout, { props: { data: { ipc }, children } as never });
    expect(((await screen.findByLabelText('Amount')) as HTMLInputElement).value).toBe('12.34');
    expect(goto).toHaveBeenCalledWith('/plan');
    await type('Amount', '12.35');
    await waitFor(() => expect(ipc.commands.paymentDraftKeep).toHaveBeenLastCalledWith(expect.objectContaining({ how: 'other', typed: '12.35' })));
    await click('Cancel');
    await waitFor(() => expect(ipc.commands.paymentDraftKeep).toHaveBeenLastCalledWith(null));
  });

  it('closes every dialog and drops what was read when it locks', async () => {
    window();
    await screen.findByText('the screen');
    await fireEvent.keyDown(globalThis.window, { key: 'n', ctrlKey: true });
    expect(await screen.findByRole('dialog', { name: 'Add a bill' })).toBeTruthy();
    await fireEvent.keyDown(globalThis.window, { key: 'l', ctrlKey: true });
    expect(await screen.findByRole('heading', { name: 'Billfold is locked' })).toBeTruthy();
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it.each(['', '?world=locked', '?world=welcome'])('closes to the tray and quits by its keys, also before anybody is in (%s)', async (query) => {
    window(query);
    await screen.findByRole('heading', { level: 1 });
    await fireEvent.keyDown(globalThis.window, { key: 'w', ctrlKey: true });
    expect(ipc.commands.windowClose).toHaveBeenCalledOnce();
    await fireEvent.keyDown(globalThis.window, { key: 'q', ctrlKey: true });
    expect(ipc.commands.quit).toHaveBeenCalledOnce();
  });

  it('asks for the archive once the account that it goes into stands', async () => {
    window('?world=welcome');
    await click('bring an archive back');
    await type('Your name, as you want to see it', 'Ines Calloway');
    await click('Start without a passkey');
    await screen.findByText(/^7QKM4/);
    expect(ipc.commands.importChoose).not.toHaveBeenCalled();
    await click('I keep it somewhere safe', 'checkbox');
    await click('Go to Home');
    await waitFor(() => expect(ipc.commands.importChoose).toHaveBeenCalledOnce());
  });

  /** As the shell is once the account stands, before it says how the sign-in ended. */
  async function standing() {
    window('?world=welcome');
    await screen.findByRole('heading', { name: 'Where should your account live?' });
    await ipc.commands.startHere('Ines Calloway');
    change();
    await screen.findByText('the screen');
  }

  it('shows the recovery key also where the account stands before the sign-in is told to have ended', async () => {
    await standing();
    signIn({ done: true, error: null, recovery_key: 'ABCDE-FGHJK' });
    expect(await screen.findByText('ABCDE-FGHJK')).toBeTruthy();
    await waitFor(() => expect(document.activeElement).toBe(screen.getByRole('heading', { level: 1 })));
    await click('I keep it somewhere safe', 'checkbox');
    await click('Go to Home');
    expect(await screen.findByText('the screen')).toBeTruthy();
  });

  it('says why a sign-in ended badly also where the welcome was gone meanwhile', async () => {
    await standing();
    signIn({ done: false, error: { code: 'sign_in_timed_out', message: '', next: '' }, recovery_key: null });
    await ipc.commands.signOut(false);
    change();
    expect(await screen.findByText('The browser did not come back in time.')).toBeTruthy();
  });

  it('wears the chosen theme once it is unlocked, and on the lock of the next window', async () => {
    window('?world=locked');
    await screen.findByRole('heading', { name: 'Locked after 5 minutes' });
    expect(document.documentElement.dataset.theme).toBeUndefined();
    const settings = await ipc.commands.settings();
    if (settings.status !== 'ok') throw new Error('no settings');
    await ipc.commands.settingsSet({ ...settings.data, theme: 'dark' });
    await click('Unlock');
    await waitFor(() => expect(document.documentElement.dataset.theme).toBe('dark'));
    cleanup();
    wear('system');
    window('?world=locked');
    await screen.findByRole('heading', { name: 'Locked after 5 minutes' });
    expect(document.documentElement.dataset.theme).toBe('dark');
  });

  it('says that it waits, and asks again, where the first answer never comes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const lost = sampleIpc();
    const { status } = lost.commands;
    const asked = vi.fn(() => (asked.mock.calls.length === 1 ? new Promise<never>(() => {}) : status()));
    lost.commands.status = asked;
    render(Layout, { props: { data: { ipc: lost }, children } as never });
    expect(screen.getByRole('status').textContent).toBe('Billfold is loading');
    await vi.advanceTimersByTimeAsync(4_000);
    expect(screen.getByText('the screen')).toBeTruthy();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('tells the shell that it listens once it does, and not before', async () => {
    let listens = () => {};
    const late = sampleIpc();
    const told = vi.spyOn(late.commands, 'pageListens');
    late.onOpenScreen = () => new Promise((done) => (listens = () => done(() => {})));
    render(Layout, { props: { data: { ipc: late }, children } as never });
    await new Promise((done) => setTimeout(done));
    expect(told).not.toHaveBeenCalled();
    listens();
    await waitFor(() => expect(told).toHaveBeenCalledOnce());
  });

  it('goes where the shell says, and says that it heard', async () => {
    window();
    const heard = vi.spyOn(ipc.commands, 'pageHeard');
    await screen.findByText('the screen');
    open('/import?refused=file_damaged');
    expect(heard).toHaveBeenCalledOnce();
    expect(goto).toHaveBeenCalledWith('/import?refused=file_damaged');
  });
});

describe('dialogs that any screen may ask for', () => {
  it('add a bill from the keyboard and give the focus back', async () => {
    window();
    const lock = await screen.findByRole('button', { name: 'Lock' });
    lock.focus();
    await fireEvent.keyDown(globalThis.window, { key: 'n', ctrlKey: true });
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Name')));
    await type('Name', 'Harbor parking');
    await type('Amount', '30');
    await click('Add bill');
    expect(await screen.findByText('Harbor parking added')).toBeTruthy();
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(document.activeElement).toBe(lock);
  });

  it('show a dropped file, and drop it again', async () => {
    window();
    await screen.findByText('the screen');
    const chosen = await ipc.commands.importChoose();
    if (chosen.status !== 'ok' || !chosen.data) throw new Error('no offer');
    offer(chosen.data);
    expect(await screen.findByRole('dialog', { name: 'What this file holds' })).toBeTruthy();
    await click('Discard');
    await waitFor(() => expect(ipc.commands.importDiscard).toHaveBeenCalledWith(chosen.data?.token));
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('show a file that was dropped while another was being kept', async () => {
    window();
    await screen.findByText('the screen');
    const chosen = await ipc.commands.importChoose();
    if (chosen.status !== 'ok' || !chosen.data) throw new Error('no offer');
    const first = chosen.data;
    let kept = () => {};
    const { importConfirm } = ipc.commands;
    ipc.commands.importConfirm = async (token) => {
      await new Promise<void>((done) => (kept = done));
      return importConfirm(token);
    };
    offer(first);
    await click('Keep 5 lines');
    offer({ ...first, token: 'second', file_name: 'second.csv' });
    kept();
    expect(await screen.findByText('5 lines are kept')).toBeTruthy();
    expect(await screen.findByText(/^second\.csv/)).toBeTruthy();
    await click('Discard');
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(ipc.commands.importDiscard).toHaveBeenCalledExactlyOnceWith('second');
  });

  it('keep a dropped file and go to its account', async () => {
    window();
    await screen.findByText('the screen');
    const chosen = await ipc.commands.importChoose();
    if (chosen.status !== 'ok' || !chosen.data) throw new Error('no offer');
    offer(chosen.data);
    await click('Keep 5 lines');
    expect(await screen.findByText('5 lines are kept')).toBeTruthy();
    await waitFor(() => expect(goto).toHaveBeenCalledWith('/card?account=account-card'));
  });

  it('pay from the palette to the end', async () => {
    window();
    await screen.findByText('the screen');
    await fireEvent.keyDown(globalThis.window, { key: 'k', ctrlKey: true });
    await fireEvent.click(await screen.findByRole('option', { name: /Pay Northfold Gas/ }));
    await click('Pay $58.32');
    expect(await screen.findByRole('heading', { name: 'Scheduled' })).toBeTruthy();
    await click('Done');
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(ipc.commands.payBill).toHaveBeenCalledTimes(1);
  });
});
