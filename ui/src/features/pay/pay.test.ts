import { describe, expect, it } from 'vitest';
import type { PaymentView } from '$lib/ipc/bindings';
import { click, draw, fireEvent, ok, refused, screen, type, waitFor, world } from '$lib/test/draw';
import PayDialog from './PayDialog.svelte';

const power = { bill: 'bill-power', dueOn: '2026-11-16' };

describe('paying a bill', () => {
  it('shows how much, when it leaves and when it arrives, and sends nothing before the button', async () => {
    const on = world();
    draw(PayDialog, on, power);
    expect(await screen.findByText('Leaves Fri, Nov 13')).toBeTruthy();
    expect(screen.getByText('cut-off 4:00 pm Eastern Time')).toBeTruthy();
    expect(screen.getByText('Arrives by Mon, Nov 16')).toBeTruthy();
    expect(screen.getByText('Nothing leaves before you confirm')).toBeTruthy();
    expect(on.commands.payBill).not.toHaveBeenCalled();
    await click('Pay $94.17');
    expect(on.commands.payBill).toHaveBeenCalledExactlyOnceWith({
      bill: 'bill-power',
      due_on: '2026-11-16',
      biller: null,
      amount: { minor: 9417, currency: 'USD' },
      send_on: null,
      duplicate_meant: false,
      method: 'method-heron',
    });
    expect(await screen.findByRole('heading', { name: 'Scheduled' })).toBeTruthy();
  });

  it('says of a date that was moved when it is due, not when it was', async () => {
    const { commands } = world();
    const on = world('', {
      payQuote: async (...asked) => {
        const quote = await commands.payQuote(...asked);
        return quote.status === 'ok' ? ok({ ...quote.data, falls_on: '2026-11-18' }) : quote;
      },
    });
    draw(PayDialog, on, power);
    expect(await screen.findAllByText('Due Wed, Nov 18')).toHaveLength(2);
    expect(screen.queryByText('Due Mon, Nov 16')).toBeNull();
  });

  it('takes the day of a plan once, when it is later than the soonest', async () => {
    const on = world();
    draw(PayDialog, on, { ...power, on: '2026-11-15' });
    await waitFor(async () => expect(((await screen.findByLabelText(/^Day/)) as HTMLInputElement).value).toBe('2026-11-15'));
    await click('Pay $94.17');
    expect(on.commands.payBill).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ send_on: '2026-11-15' }));
  });

  it('says nothing of a day before one is chosen, and then when that arrives', async () => {
    const on = world();
    draw(PayDialog, on, power);
    await fireEvent.click(await screen.findByLabelText('On a day you choose'));
    expect(screen.getByText('Choose a day')).toBeTruthy();
    expect(screen.queryByText(/^(Leaves|Arrives by) /)).toBeNull();
    await type('Day', '2026-11-16');
    expect(await screen.findByText('Leaves Mon, Nov 16')).toBeTruthy();
    expect(await screen.findByText('Arrives by Tue, Nov 17')).toBeTruthy();
    expect(on.commands.payQuote).toHaveBeenLastCalledWith('bill-power', '2026-11-16', '2026-11-16');
    expect(screen.getByText('That is after the due date.')).toBeTruthy();
    await type('Day', '2026-11-14');
    expect(await screen.findByText('Leaves Fri, Nov 13'), 'a Saturday is closed').toBeTruthy();
    expect(screen.getByText('Arrives by Mon, Nov 16')).toBeTruthy();
  });

  it('says what stays safe where the plan takes it from the same account', async () => {
    draw(PayDialog, world(), power);
    await fireEvent.change(await screen.findByLabelText('From'), { target: { value: '' } });
    expect(await screen.findByText(/^\$[\d,.]+ stays safe until pay day, Fri, Nov 20\.$/)).toBeTruthy();
    expect(screen.getByText('$1,107.18 available')).toBeTruthy();
    await fireEvent.click(screen.getByLabelText(/Another amount/));
    await type('Amount', '5');
    await waitFor(() => expect(screen.queryByText(/stays safe/)).toBeNull());
  });

  it('pays at the soonest when the day of a plan is no longer ahead', async () => {
    draw(PayDialog, world(), { ...power, on: '2026-11-12' });
    expect(await screen.findByText('Leaves Fri, Nov 13')).toBeTruthy();
    expect(screen.queryByLabelText(/^Day/)).toBeNull();
  });

  it('does not begin at the paying button, and Enter in a field pays nothing', async () => {
    const on = world();
    draw(PayDialog, on, power);
    await waitFor(() => expect(document.activeElement?.tagName).toBe('H2'));
    await fireEvent.click(await screen.findByLabelText(/Another amount/));
    const amount = await screen.findByLabelText('Amount');
    await fireEvent.keyDown(amount, { key: 'Enter' });
    expect(amount.closest('form')).toBeNull();
    expect(on.commands.payBill).not.toHaveBeenCalled();
  });

  it('takes another amount on another day, and nothing that is no amount', async () => {
    const on = world();
    draw(PayDialog, on, power);
    await fireEvent.click(await screen.findByLabelText(/Another amount/));
    await fireEvent.click(screen.getByLabelText('On a day you choose'));
    await type('Amount', '0');
    await type('Day', '2026-11-12');
    await click('Pay');
    expect(await screen.findByText('Type an amount above zero, such as $42.00.')).toBeTruthy();
    expect(screen.getByText('Choose Fri, Nov 13 or a later day.')).toBeTruthy();
    expect(on.commands.payBill).not.toHaveBeenCalled();
    await type('Amount', '40');
    await type('Day', '2026-11-17');
    await click('Pay $40.00');
    expect(on.commands.payBill).toHaveBeenCalledWith(expect.objectContaining({ amount: { minor: 4000, currency: 'USD' }, send_on: '2026-11-17' }));
  });

  it('asks once more when the same was paid a moment ago', async () => {
    const on = world('', { payBill: () => refused('possible_duplicate') });
    draw(PayDialog, on, power);
    await click('Pay $94.17');
    expect(await screen.findByRole('heading', { name: 'You paid this a moment ago' })).toBeTruthy();
    await click('Pay $94.17 once more');
    expect(on.commands.payBill).toHaveBeenLastCalledWith(expect.objectContaining({ duplicate_meant: true, method: 'method-heron' }));
  });

  it('asks it also when the server says so only later', async () => {
    const on = world('', {});
    draw(PayDialog, on, power);
    await click('Pay $94.17');
    await screen.findByRole('heading', { name: 'Scheduled' });
    const all = await on.ipc.commands.payments();
    const [made, ...rest] = all.status === 'ok' ? all.data : [];
    on.commands.payments = () => ok([{ ...made, state: 'refused', reason: 'possible_duplicate' } as PaymentView, ...rest]);
    await on.desk.changed();
    expect(await screen.findByRole('heading', { name: 'You paid this a moment ago' })).toBeTruthy();
  });

  it('opens the browser once for a payment that needs the passkey, and shows what it says when it was approved', async () => {
    const on = world('?world=passkey-asked');
    draw(PayDialog, on, power);
    await click('Pay $94.17');
    expect(await screen.findByRole('heading', { name: 'Confirm in your browser' })).toBeTruthy();
    expect(screen.getByText('It is the first payment to this payee.')).toBeTruthy();
    expect(screen.getByText('From').nextElementSibling?.textContent, 'the method, not the balance').toBe('Heron ··4471');
    await waitFor(() => expect(on.commands.paymentApprove).toHaveBeenCalledOnce());
    await on.desk.changed();
    expect(on.commands.paymentApprove).toHaveBeenCalledOnce();
    const all = await on.ipc.commands.payments();
    const [made, ...rest] = all.status === 'ok' ? all.data : [];
    const held = { ...made, state: 'held', reason: 'new_payee', held_until: '2026-11-13T02:45:00Z', sends_on: '2026-11-17', expected_by: '2026-11-18' } as PaymentView;
    on.commands.payments = () => ok([held, ...rest]);
    await on.desk.changed();
    expect(await screen.findByRole('heading', { name: 'Held' })).toBeTruthy();
    expect((await screen.findByRole('alert')).textContent).toContain('It leaves Tue, Nov\u00a017 by itself.');
  });

  it('says what to do when the browser could not be opened or the page is refused', async () => {
    const address = 'http://localhost:8470/sign-in/step-up/open?secret=Vq3';
    const on = world('?world=passkey-asked', { paymentApprove: () => ok({ address, browser_opened: false }) });
    draw(PayDialog, on, power);
    await click('Pay $94.17');
    expect(await screen.findByText(address)).toBeTruthy();
    on.commands.paymentApprove = () => refused('account_locked');
    await click('Open the browser again');
    expect(await screen.findByText(/account is locked/i)).toBeTruthy();
  });

  it('lists what is missing instead of the form, and shows the form once it is there', async () => {
    const on = world('?world=not-ready');
    draw(PayDialog, on, power);
    expect(await screen.findByRole('heading', { name: 'Before you can pay' })).toBeTruthy();
    expect(screen.getByText('4 of 6 done')).toBeTruthy();
    expect([...document.querySelectorAll('.check')].map((one) => one.classList.contains('todo'))).toEqual([true, true, false, false, false, false]);
    expect(screen.queryByRole('button', { name: 'Pay $94.17' })).toBeNull();
    await click('Read the terms');
    expect(await screen.findByText('They are open in your browser.')).toBeTruthy();
    expect(on.commands.termsAccept).not.toHaveBeenCalled();
    await click('Accept the terms of November 2026');
    await waitFor(() => expect(on.commands.termsAccept).toHaveBeenCalledExactlyOnceWith('2026-11'));
    expect(await screen.findByText('5 of 6 done')).toBeTruthy();
    const all = await on.ipc.commands.readiness();
    if (all.status !== 'ok') throw new Error('no list');
    on.commands.readiness = () => ok({ ...all.data, ready: true });
    await on.desk.changed();
    expect(await screen.findByRole('button', { name: 'Pay $94.17' })).toBeTruthy();
  });

  it('says offline that it is kept and not sent, and lets it be taken back', async () => {
    const on = world('?world=offline');
    draw(PayDialog, on, power);
    expect(await screen.findByText('You are offline')).toBeTruthy();
    expect(screen.getByText('if it is sent by the cut-off')).toBeTruthy();
    expect(screen.queryByText('in time')).toBeNull();
    await click('Keep $94.17 to send');
    expect(await screen.findByRole('heading', { name: 'Not sent yet' })).toBeTruthy();
    expect(screen.getByText(/no money has moved/)).toBeTruthy();
    await click('Do not send');
    expect(await screen.findByRole('heading', { name: 'Cancelled' })).toBeTruthy();
  });

  it('says that practice money moves nothing', async () => {
    draw(PayDialog, world('?world=practice'), power);
    expect(await screen.findByText('Practice money: nothing real moves')).toBeTruthy();
  });

  it('offers the mark in place of a payment where none is possible', async () => {
    const on = world();
    draw(PayDialog, on, { bill: 'bill-music', dueOn: '2026-11-27' });
    expect(await screen.findByText('This cannot be paid from here')).toBeTruthy();
    expect(screen.queryByRole('button', { name: /^Pay/ })).toBeNull();
    await click('Mark paid');
    await waitFor(() => expect(on.commands.occurrenceMark).toHaveBeenCalledWith('bill-music', '2026-11-27', { kind: 'paid', amount: null }));
    await waitFor(() => expect(on.desk.toasts.at(-1)?.undo).toBeTruthy());
    on.desk.toasts.at(-1)?.undo?.();
    await waitFor(() => expect(on.commands.occurrenceUndo).toHaveBeenCalledWith('bill-music', '2026-11-27', expect.stringContaining('change-')));
  });

  it('keeps what was chosen when it is refused', async () => {
    const on = world('', { payBill: () => refused('insufficient_funds') });
    draw(PayDialog, on, power);
    await fireEvent.click(await screen.findByLabelText(/Another amount/));
    await type('Amount', '12.34');
    await click('Pay $12.34');
    expect(await screen.findByText('The account holds too little.')).toBeTruthy();
    expect((screen.getByLabelText('Amount') as HTMLInputElement).value).toBe('12.34');
  });
});
