import { describe, expect, it } from 'vitest';
import type { FactorView, PasswordView } from '$lib/ipc/bindings';
import { click, draw, fireEvent, ok, refused, screen, type, waitFor, within, world } from '$lib/test/draw';
import Security from './Security.svelte';

describe('security', () => {
  it('asks about what is new, and a no signs it out', async () => {
    const on = world();
    draw(Security, on);
    expect(await screen.findByRole('heading', { name: /Was this you\?/ })).toBeTruthy();
    await click('No, sign it out');
    await waitFor(() => expect(on.commands.securityAnswer).toHaveBeenCalledExactlyOnceWith(6, false));
    await waitFor(() => expect(screen.queryByRole('heading', { name: /Was this you\?/ })).toBeNull());
  });

  it('says why it asks, with points that add up', async () => {
    draw(Security, world());
    expect(await screen.findByText('Too far, too fast')).toBeTruthy();
    expect(screen.getByText('74 points')).toBeTruthy();
    expect(screen.getAllByText(/Lisbon, Portugal/).length).toBe(2);
    // The decision that is asked about is not told twice; the other one is.
    expect(screen.getByText('16 points: why')).toBeTruthy();
    expect(screen.queryByText('74 points: why')).toBeNull();
  });

  it('says of a device what it can do after the score, not before', async () => {
    const on = world();
    const all = await on.ipc.commands.risk();
    if (all.status !== 'ok') throw new Error('no risk');
    draw(Security, on);
    expect(await screen.findByText(/It can read what this account holds\. For a day nothing new is paid/)).toBeTruthy();
    expect(screen.queryByText(/and it can pay/)).toBeNull();
    const as = (verdict: 'allow' | 'lock') => () => ok({ ...all.data, decisions: all.data.decisions.map((one) => ({ ...one, verdict })) });
    on.desk.commands.risk = as('lock');
    await on.desk.changed();
    expect(await screen.findByText(/No money leaves until somebody has looked at it\./)).toBeTruthy();
    on.desk.commands.risk = as('allow');
    await on.desk.changed();
    expect(await screen.findByText(/and it can pay\./)).toBeTruthy();
  });

  it('turns off without the server what only the server changes, and says why', async () => {
    draw(Security, world('?world=offline'));
    expect(await screen.findByText(/can be changed again once it answers/)).toBeTruthy();
    for (const name of ['No, sign it out', 'Lock my account', 'Add a passkey', 'Add an address', 'Change the limits in USD']) {
      expect((await screen.findByRole<HTMLButtonElement>('button', { name })).disabled).toBe(true);
    }
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Export' }).disabled).toBe(false);
  });

  it('asks without reasons when the server does not answer', async () => {
    draw(Security, world('', { risk: () => refused('server_unreachable') }));
    expect(await screen.findByRole('heading', { name: /Was this you\?/ })).toBeTruthy();
    expect(screen.queryByText('Why it is asked')).toBeNull();
  });

  it('lowers what leaves without a passkey at once, and raises it only in the browser', async () => {
    const on = world();
    draw(Security, on);
    await click('Change the limits in USD');
    const field = await screen.findByLabelText<HTMLInputElement>('One payment');
    expect(field.value).toBe('500.00');
    expect(document.getElementById(field.getAttribute('aria-describedby') ?? '')?.textContent).toBe('USD');
    await type('One payment', '300');
    expect(await screen.findByText('Lower limits count at once.')).toBeTruthy();
    await click('Save the limits');
    await waitFor(() => expect(on.commands.limitsSet).toHaveBeenCalledExactlyOnceWith('USD', { payment_minor: 30000, day_minor: 100000 }));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    await click('Change the limits in USD');
    await type('In 24 hours', 'much');
    await click('Save the limits');
    expect(await screen.findByText(/Type an amount, such as/)).toBeTruthy();
    await type('In 24 hours', '2000');
    await click('Continue in the browser');
    expect(await screen.findByText('Waiting for your passkey. Nothing is raised before.')).toBeTruthy();
    expect(on.commands.limitsSet).toHaveBeenLastCalledWith('USD', { payment_minor: 30000, day_minor: 200000 });
  });

  it('proves whoever calls before they see anything', async () => {
    const on = world();
    draw(Security, on);
    await click('Somebody from support is on the line');
    await type(/Their code/, '1234 5678');
    await click('Check the code');
    expect(await screen.findByText('This is nobody from support')).toBeTruthy();
    await type(/Their code/, '4012 7733');
    await click('Check the code');
    expect(await screen.findByRole('heading', { name: 'This is support: Rowan' })).toBeTruthy();
    expect(on.commands.supportAnswer).not.toHaveBeenCalled();
    await click('Let them see it');
    await waitFor(() => expect(on.commands.supportAnswer).toHaveBeenCalledExactlyOnceWith('check-1', true));
    await click('Close it Rowan');
    await waitFor(() => expect(on.commands.supportEnd).toHaveBeenCalledExactlyOnceWith('sight-1'));
  });

  it('says that the server knows no places', async () => {
    draw(Security, world('', { risk: () => ok({ decisions: [], places_known: false }) }));
    expect(await screen.findByText(/no database of places/)).toBeTruthy();
  });

  it('signs out another device, never this one', async () => {
    const on = world();
    draw(Security, on);
    await click('Sign out Travel laptop');
    await waitFor(() => expect(on.commands.deviceSignOut).toHaveBeenCalledWith('device-2'));
    expect(screen.queryByRole('button', { name: /Sign out Alder, desk/ })).toBeNull();
  });

  it('removes a passkey with the other devices, unless they are kept', async () => {
    const on = world();
    draw(Security, on);
    await click('More for Blue security key');
    await click('Remove', 'menuitem');
    await click('Remove');
    await waitFor(() => expect(on.commands.passkeyRemove).toHaveBeenCalledExactlyOnceWith('passkey-2', false));
  });

  it('offers no way to remove the last passkey, and urges a second', async () => {
    const only = { id: 'passkey-1', name: 'Desk keyring', created_at: '2026-03-02T09:00:00Z', last_used_at: null, synced: false, last: true };
    draw(Security, world('', { passkeys: () => ok([only]) }));
    expect(await screen.findByText('Add a second passkey')).toBeTruthy();
    await click('More for Desk keyring');
    expect(screen.queryByRole('menuitem', { name: 'Remove' })).toBeNull();
  });

  it('begins a way back from this computer by the sheet or a code, and any device stops it', async () => {
    const on = world();
    draw(Security, on);
    await click('Begin');
    await click('By e-mail');
    await click('Send a code to i•••@example.org');
    await type(/^Code/, '1234 5678');
    const dialog = screen.getByRole('dialog');
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Begin' }));
    await waitFor(() => expect(on.commands.recoveryStart).toHaveBeenCalledExactlyOnceWith({ by: 'sent', id: 'code-1', code: '1234 5678' }));
    expect(await screen.findByText(/Somebody gets back into this account/)).toBeTruthy();
    await click('Stop it');
    await waitFor(() => expect(on.commands.recoveryStop).toHaveBeenCalledOnce());
    expect(await screen.findByText(/A way back was stopped/)).toBeTruthy();
  });

  it('sends the code to the telephone where that is wanted, and a code for one is none for the other', async () => {
    const on = world();
    draw(Security, on);
    await click('Begin');
    await click('By e-mail');
    await click('Send a code to i•••@example.org');
    expect(await screen.findByText('A code is on its way to i•••@example.org')).toBeTruthy();
    await click('Text message');
    expect(screen.queryByText('A code is on its way to i•••@example.org')).toBeNull();
    await click('Send a code to ••• 788');
    expect(on.commands.recoverySendCode).toHaveBeenNthCalledWith(1, 'email');
    expect(on.commands.recoverySendCode).toHaveBeenLastCalledWith('phone');
    expect(await screen.findByText('A code is on its way to ••• 788')).toBeTruthy();
  });

  it('urges a recovery sheet where there is none, and makes it in the browser', async () => {
    const none = { state: { state: 'none' as const }, begun_here: false, code_made_at: null, code_spent: false, email: null, phone: null };
    const on = world('', { recovery: () => ok(none) });
    draw(Security, on);
    expect(await screen.findByText('Make a recovery sheet')).toBeTruthy();
    await click('Make one');
    await waitFor(() => expect(on.commands.recoveryCode).toHaveBeenCalledOnce());
    expect(await screen.findByText('Go on on the page there.')).toBeTruthy();
  });

  it('turns the password on beside two passkeys in the browser', async () => {
    const on = world();
    draw(Security, on);
    expect(await screen.findByText('off: two passkeys are safer')).toBeTruthy();
    await click('Turn on');
    await waitFor(() => expect(on.commands.passwordKeep).toHaveBeenCalledOnce());
    expect(await screen.findByText('Your browser is open')).toBeTruthy();
  });

  it('turns a kept password off here', async () => {
    const kept: PasswordView = { name: 'Ines-48271', state: 'on', kept: true, changed_at: '2026-03-02T09:06:00Z', last_used_at: null, last: false };
    const on = world('', { waysIn: () => ok({ password: kept, factors: [], codes_to: [] }) });
    draw(Security, on);
    await click('More for Password');
    await click('Turn off beside passkeys', 'menuitem');
    await waitFor(() => expect(on.commands.passwordLetGo).toHaveBeenCalledOnce());
  });

  it('offers no way to remove the last way in', async () => {
    const password: PasswordView = { name: 'Ines-48271', state: 'on', kept: false, changed_at: '2026-03-02T09:06:00Z', last_used_at: null, last: true };
    const phone: FactorView = { id: 'factor-1', kind: 'totp', name: 'Phone', created_at: '2026-03-02T09:06:00Z', last_used_at: null, last: true };
    draw(Security, world('', { passkeys: () => ok([]), waysIn: () => ok({ password, factors: [phone], codes_to: [] }) }));
    await click('More for Phone');
    expect(screen.queryByRole('menuitem', { name: 'Remove' })).toBeNull();
    await click('More for Password');
    expect(screen.queryByRole('menuitem', { name: 'Remove' })).toBeNull();
    expect(screen.getByRole('menuitem', { name: 'Change' })).toBeTruthy();
  });

  it('removes an authenticator app and names another', async () => {
    const on = world();
    draw(Security, on);
    await click('More for Phone');
    await click('Rename', 'menuitem');
    await type('Name', 'Old phone');
    await click('Save');
    await waitFor(() => expect(on.commands.factorRename).toHaveBeenCalledExactlyOnceWith('factor-1', 'Old phone'));
    await click('More for Old phone');
    await click('Remove', 'menuitem');
    await click('Remove');
    await waitFor(() => expect(on.commands.factorRemove).toHaveBeenCalledExactlyOnceWith('factor-1', false));
  });

  it('signs out all other devices once that was asked', async () => {
    const on = world();
    draw(Security, on);
    await click('Sign out all others');
    const dialog = within(await screen.findByRole('dialog', { name: 'Sign out all other devices?' }));
    expect(on.commands.deviceSignOut).not.toHaveBeenCalled();
    await fireEvent.click(dialog.getByRole('button', { name: 'Sign out all others' }));
    await waitFor(() => expect(on.commands.deviceSignOut).toHaveBeenCalledTimes(2));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  });

  it('names a passkey', async () => {
    const on = world();
    draw(Security, on);
    await click('More for Desk keyring');
    await click('Rename', 'menuitem');
    await type('Name', 'Tower');
    await click('Save');
    await waitFor(() => expect(on.commands.passkeyRename).toHaveBeenCalledExactlyOnceWith('passkey-1', 'Tower'));
  });

  it('says in the log that its chain is broken', async () => {
    const view = { events: [], questions: [], broken_at: 4 };
    draw(Security, world('', { security: () => ok(view) }));
    expect(await screen.findByText(/not as it was written, from entry 4 on/)).toBeTruthy();
    expect(screen.queryByText(/chain proven/)).toBeNull();
  });

  it('keeps the log when the server does not answer for devices', async () => {
    draw(Security, world('', { devices: () => refused('server_unreachable'), passkeys: () => refused('server_unreachable') }));
    expect(await screen.findByText(/chain proven/)).toBeTruthy();
    await waitFor(() => expect(screen.getAllByText(/account server does not answer/).length).toBeGreaterThan(1));
  });

  it('adds an address, to which a code is sent', async () => {
    const on = world();
    draw(Security, on);
    await click('Add an address');
    await type('E-mail address or telephone number', 'other@example.org');
    await click('Send the code');
    await waitFor(() => expect(on.commands.addressAdd).toHaveBeenCalledExactlyOnceWith('email', 'other@example.org', 'en'));
    expect(await screen.findByRole('heading', { name: 'Code for other@example.org' })).toBeTruthy();
    expect(screen.getByText(/add the address. Then type the code here/)).toBeTruthy();
  });

  it('says that the page comes first when the code is typed before it', async () => {
    const on = world('', { addressConfirm: () => refused('address_not_added') });
    draw(Security, on);
    await click('Add an address');
    await type('E-mail address or telephone number', 'other@example.org');
    await click('Send the code');
    await type('Code', '12345678');
    await click('Confirm');
    expect(await screen.findByText('The address is not added yet.')).toBeTruthy();
  });

  it('asks for the code at once where there is nothing to show first', async () => {
    draw(Security, world('', { addressAdd: () => ok({ added: 'now', address: { id: 'address-9', kind: 'email', value: 'other@example.org', state: { state: 'unconfirmed' }, added_at: '2026-11-12T14:41:00Z' } }) }));
    await click('Add an address');
    await type('E-mail address or telephone number', 'other@example.org');
    await click('Send the code');
    expect(await screen.findByRole('heading', { name: 'Code for other@example.org' })).toBeTruthy();
    expect(screen.queryByText(/add the address. Then/)).toBeNull();
  });

  it('sends eight digits and keeps asking while they are wrong', async () => {
    const on = world();
    draw(Security, on);
    await click('Type the code +1\u00a0555\u00a0010\u00a07788');
    expect(await screen.findByRole('heading', { name: 'Code for +1\u00a0555\u00a0010\u00a07788' })).toBeTruthy();
    expect(screen.queryByText(/spam/), 'a text message has no such folder').toBeNull();
    await type('Code', '1234');
    await click('Confirm');
    expect(await screen.findByText('Type the eight digits.')).toBeTruthy();
    expect(on.commands.addressConfirm).not.toHaveBeenCalled();
    await type('Code', '1234 5679');
    await click('Confirm');
    expect(await screen.findByText('That is not the code.')).toBeTruthy();
    await type('Code', '1234 5678');
    await click('Confirm');
    await waitFor(() => expect(screen.queryByRole('heading', { name: /Code for/ })).toBeNull());
  });

  it('asks for another code of an address that waits, and removes one', async () => {
    const on = world();
    draw(Security, on);
    await click('Type the code +1\u00a0555\u00a0010\u00a07788');
    await click('Send another');
    expect(await screen.findByText(/The newest one counts/)).toBeTruthy();
    expect(on.commands.addressSendCode).toHaveBeenCalledExactlyOnceWith('address-2');
    await click('Close');
    await click('More for ines@example.org');
    await click('Remove', 'menuitem');
    expect(on.commands.addressRemove).not.toHaveBeenCalled();
    await click('Remove address');
    await waitFor(() => expect(on.commands.addressRemove).toHaveBeenCalledExactlyOnceWith('address-1'));
  });

  it('lists a confirmed address as a second factor', async () => {
    draw(Security, world());
    expect(await screen.findByText('code by e-mail, used while there is no other second factor')).toBeTruthy();
  });

  it('looks at how somebody types only once that is turned on', async () => {
    const on = world();
    draw(Security, on);
    expect(await screen.findByText(/Not looked at/)).toBeTruthy();
    await click('Turn on How you type');
    await waitFor(() => expect(on.commands.rhythmSet).toHaveBeenCalledExactlyOnceWith(true));
    expect(await screen.findByText('Learning: 0 of 6 sign-ins with your password')).toBeTruthy();
    await click('Turn off How you type');
    await waitFor(() => expect(on.commands.rhythmSet).toHaveBeenLastCalledWith(false));
  });

  it('says that a server sends nothing, and offers no address there', async () => {
    draw(Security, world('', { addresses: () => ok({ items: [], sends_email: false, sends_texts: false }) }));
    expect(await screen.findByText('This account server sends no messages')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Add an address' })).toBeNull();
  });

  it('locks the account at once, and offers that no more while it is locked', async () => {
    const on = world();
    draw(Security, on);
    await click('Lock my account');
    await waitFor(() => expect(on.commands.accountLock).toHaveBeenCalledOnce());
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Lock my account' })).toBeNull());
    expect(await screen.findByText('Account locked: as you wished')).toBeTruthy();
  });

  it('shows the disputes of a card of the server, and none where there are none', async () => {
    draw(Security, world('?world=served'));
    const list = (await screen.findByRole('heading', { name: 'Disputes of Quillmere Card ··4417' })).closest('section') as HTMLElement;
    expect(within(list).getByText(/Decided for you/)).toBeTruthy();
  });
});
