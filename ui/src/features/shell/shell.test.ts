import { createRawSnippet } from 'svelte';
import type { OrderPage } from '$lib/ipc/bindings';
import { describe, expect, it, vi } from 'vitest';
import { click, draw, fireEvent, ok, refused, screen, waitFor, within, world } from '$lib/test/draw';
import Shell from './Shell.svelte';
import { commandOf, windowKeyOf } from './keys';
import { sparingly } from './sparingly';

const children = createRawSnippet(() => ({ render: () => '<p>content</p>' }));
const press = (init: KeyboardEventInit) => new KeyboardEvent('keydown', init);

describe('keys', () => {
  it.each([
    [{ key: 'k', ctrlKey: true }, { do: 'palette' }],
    [{ key: 'K', metaKey: true }, { do: 'palette' }],
    [{ key: '3', ctrlKey: true }, { do: 'place', at: 2 }],
    [{ key: 'F6', shiftKey: true }, { do: 'region', at: -1 }],
    [{ key: 'F', ctrlKey: true, shiftKey: true }, { do: 'freeze' }],
    [{ key: '/' }, { do: 'palette' }],
    [{ key: '/', shiftKey: true }, { do: 'palette' }],
    [{ key: 'n' }, null],
    [{ key: 'n', ctrlKey: true, altKey: true }, null],
  ])('%o means %o', (init, command) => {
    expect(commandOf(press(init), false)).toEqual(command);
  });

  it('leave a dialog alone, but for the lock', () => {
    expect(commandOf(press({ key: 'n', ctrlKey: true }), true)).toBeNull();
    expect(commandOf(press({ key: 'l', ctrlKey: true }), true)).toEqual({ do: 'lock' });
  });

  it.each([
    [{ key: 'w', ctrlKey: true }, 'close'],
    [{ key: 'Q', metaKey: true }, 'quit'],
    [{ key: 'w', ctrlKey: true, shiftKey: true }, null],
    [{ key: 'q', ctrlKey: true, altKey: true }, null],
    [{ key: 'q' }, null],
  ])('%o is %s to the window', (init, expected) => {
    expect(windowKeyOf(press(init))).toBe(expected);
  });

  it('leave the slash to whoever is typing', () => {
    const input = document.body.appendChild(document.createElement('input'));
    let command: unknown = 'not asked';
    input.addEventListener('keydown', (event) => (command = commandOf(event, false)));
    input.dispatchEvent(press({ key: '/' }));
    expect(command).toBeNull();
    input.dispatchEvent(press({ key: '/', shiftKey: true }));
    expect(command).toBeNull();
    input.remove();
  });
});

describe('the window', () => {
  it('says how many bills need the person, and how fresh it is', async () => {
    draw(Shell, world(), { path: '/', children });
    expect(await screen.findByText(', needs you: 3, some overdue')).toBeTruthy();
    expect(screen.getByText('Synced 9:41 am')).toBeTruthy();
  });

  it('urges a second passkey, which can be put off', async () => {
    const on = world('?world=one-passkey');
    draw(Shell, on, { path: '/', children });
    expect(await screen.findByText('Add a second passkey')).toBeTruthy();
    await click('Later');
    await waitFor(() => expect(on.commands.secondPasskeyLater).toHaveBeenCalledOnce());
    await waitFor(() => expect(screen.queryByText('Add a second passkey')).toBeNull());
  });

  it('says offline as of when, and what waits to be sent', async () => {
    draw(Shell, world('?world=offline'), { path: '/', children });
    expect(await screen.findByText('Offline, as of 9:41 am')).toBeTruthy();
    expect(screen.getByText(/1 change waits on this computer/)).toBeTruthy();
    expect((await screen.findByRole('link', { name: '$58.32 to Northfold Gas' })).getAttribute('href')).toMatch(/^\/payments\?payment=payment-new-/);
    expect(screen.getByText(', needs you: 3, some overdue')).toBeTruthy();
  });

  it('says what the account server did not take, until that was seen', async () => {
    const on = world('?world=refused');
    draw(Shell, on, { path: '/', children });
    expect(await screen.findByText('The account server did not take 2 changes.')).toBeTruthy();
    expect(screen.getByText('Imported lines').closest('li')?.textContent).toContain('Some unsent work on this computer is damaged.');
    const one = screen.getByText(/A bill: Cobalt Ridge Power/).closest('li');
    expect(one?.textContent).toContain('Another device changed the same thing in the meantime.');
    expect(one?.textContent).toContain('You typed: Amount: $94.17; Note: Meter 4471.');
    expect(one?.textContent).toContain('There now: Amount: $81.50.');
    await click('Put it back');
    await waitFor(() => expect(on.commands.refusalPutBack).toHaveBeenCalledExactlyOnceWith('refusal-edit'));
    await click('Understood');
    await waitFor(() => expect(on.commands.refusalsSeen).toHaveBeenCalledOnce());
    await waitFor(() => expect(screen.queryByText('Understood')).toBeNull());
  });

  it('says that it is signed out, never that it is synced, and leads back in', async () => {
    const on = world('?world=signed-out');
    draw(Shell, on, { path: '/', children });
    expect(await screen.findByText('Signed out, as of 9:41 am')).toBeTruthy();
    expect(screen.queryByText(/^Synced/)).toBeNull();
    await click('Sign in again');
    expect(on.desk.signingIn).toBe('https://accounts.alder-lane.example');
  });

  it('says over every screen that the account is locked, what that means, and releases it', async () => {
    const on = world('?world=account-locked');
    draw(Shell, on, { path: '/', children });
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('Your account is locked');
    expect(alert.textContent).toContain('You locked it. No money leaves');
    await click('Release my account');
    await waitFor(() => expect(on.commands.accountRelease).toHaveBeenCalledOnce());
    await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  });

  it('shows the page to open where a passkey releases the account, and sends to support what the owner may not release', async () => {
    const address = 'https://accounts.alder-lane.example/sign-in/step-up/open?secret=4f2a';
    const on = world('?world=account-locked', { accountRelease: () => ok({ address, browser_opened: false }) });
    draw(Shell, on, { path: '/', children });
    await click('Release my account');
    expect(await screen.findByText(address)).toBeTruthy();
    const suspended = world('?world=server');
    const restraint = { level: 'suspended' as const, reason: 'review' as const, since: '2026-11-12T14:45:00Z', until: null };
    const status = await suspended.commands.status();
    if (status.status === 'ok') suspended.commands.status = () => ok({ ...status.data, standing: { restraint } });
    draw(Shell, suspended, { path: '/', children });
    expect(await screen.findByText(/Only the support of your account server can release it/)).toBeTruthy();
  });

  it('says that a search failed, and finds commands whatever accents are typed', async () => {
    draw(Shell, world('', { search: () => refused('cache_failed') }), { path: '/', children });
    await fireEvent.keyDown(window, { key: 'k', ctrlKey: true });
    const box = await screen.findByRole('combobox', { name: 'Do or find' });
    await fireEvent.input(box, { target: { value: 'nörthfold' } });
    expect(await screen.findByRole('option', { name: /Pay Northfold Gas/ })).toBeTruthy();
    expect(await screen.findByText(/^The search did not work/)).toBeTruthy();
    expect(screen.queryByText('Nothing found.')).toBeNull();
  });

  it('finds a bill from the palette and opens it', async () => {
    const on = world();
    draw(Shell, on, { path: '/', children });
    await fireEvent.keyDown(window, { key: 'k', ctrlKey: true });
    const box = await screen.findByRole('combobox', { name: 'Do or find' });
    expect(await screen.findByText('Pay Northfold Gas')).toBeTruthy();
    await fireEvent.input(box, { target: { value: 'kestrel' } });
    const option = await screen.findByRole('option', { name: /Open Kestrel Auto Insurance/ });
    await waitFor(() => expect(box.getAttribute('aria-activedescendant')).toBe(option.id));
    await fireEvent.keyDown(box, { key: 'Enter' });
    await waitFor(() => expect(on.went).toEqual(['/bills?bill=bill-auto']));
    expect(screen.queryByRole('combobox')).toBeNull();
  });

  it('pays a card of the server from the palette', async () => {
    const on = world('?world=served');
    draw(Shell, on, { path: '/', children });
    await fireEvent.keyDown(window, { key: 'k', ctrlKey: true });
    await fireEvent.click(await screen.findByRole('option', { name: /^Pay Quillmere Card ··4417\s*\$80\.00/ }));
    await waitFor(() => expect(on.desk.payingCard).toMatchObject({ id: 'account-card' }));
  });

  it('finds statements and orders from the palette and opens them', async () => {
    const on = world('?world=served');
    draw(Shell, on, { path: '/', children });
    const find = async (typed: string, name: RegExp) => {
      await fireEvent.keyDown(window, { key: 'k', ctrlKey: true });
      await fireEvent.input(await screen.findByRole('combobox', { name: 'Do or find' }), { target: { value: typed } });
      await fireEvent.click((await screen.findAllByRole('option', { name }))[0]!);
      await waitFor(() => expect(screen.queryByRole('combobox')).toBeNull());
    };
    const order = (await on.ipc.commands.orders({ limit: null, after: null })) as { data: OrderPage };
    const first = order.data.items[0]!.order;
    await find(first.told.number, new RegExp(`Order ${first.told.number}, ${first.merchant}`));
    await find('statement', /Statement of .* 2026/);
    expect(on.went).toEqual([`/orders?order=${first.id}`, expect.stringMatching(/^\/statements\?account=.+&closed=\d{4}-\d\d-\d\d$/)]);
  });

  it('offers to close and to quit in the palette and among the keys', async () => {
    const on = world();
    draw(Shell, on, { path: '/', children });
    await fireEvent.keyDown(window, { key: 'F1' });
    const keys = await screen.findByRole('dialog', { name: 'Keys' });
    expect(within(keys).getByText('Close the window; the tray stays').nextElementSibling?.textContent?.trim()).toBe('Ctrl W');
    expect(within(keys).getByText('Quit').nextElementSibling?.textContent?.trim()).toBe('Ctrl Q');
    on.desk.keys = false;
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    await fireEvent.keyDown(window, { key: 'k', ctrlKey: true });
    await fireEvent.input(await screen.findByRole('combobox', { name: 'Do or find' }), { target: { value: 'quit' } });
    await fireEvent.click(await screen.findByRole('option', { name: /^Quit/ }));
    await waitFor(() => expect(on.commands.quit).toHaveBeenCalledOnce());
    expect(on.commands.windowClose).not.toHaveBeenCalled();
  });

  it('moves no money from the palette without the dialog', async () => {
    const on = world();
    draw(Shell, on, { path: '/', children });
    await click(/Search everything/);
    await fireEvent.click(await screen.findByRole('option', { name: /Pay Northfold Gas/ }));
    await waitFor(() => expect(on.desk.paying).toEqual({ bill: 'bill-gas', dueOn: '2026-11-09' }));
    expect(on.commands.payBill).not.toHaveBeenCalled();
  });

  it('drops what it read when it is told to forget', async () => {
    const on = world();
    draw(Shell, on, { path: '/', children });
    on.desk.pay('bill-gas', '2026-11-09');
    on.desk.say('Northfold Gas saved');
    on.desk.forget();
    expect([on.desk.paying, on.desk.toasts]).toEqual([null, []]);
  });
});

it('tells of use now and then, not at every touch', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const act = vi.fn();
  const used = sparingly(1_000, act);
  used();
  used();
  vi.advanceTimersByTime(1_001);
  used();
  expect(act).toHaveBeenCalledTimes(2);
});
