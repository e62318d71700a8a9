import { describe, expect, it } from 'vitest';
import { click, draw, ok, refused, screen, type, waitFor, world } from '$lib/test/draw';
import Payments from './Payments.svelte';

describe('payments', () => {
  it('asks before it cancels, and cancels once', async () => {
    const on = world();
    draw(Payments, on, { asked: 'payment-loan' });
    expect(await screen.findByText('You can cancel it until Fri, Nov 13, 4:00 pm Eastern Time.')).toBeTruthy();
    expect(await screen.findByText('to Brightwater Car Loans, from Tern Harbor Checking ··2086')).toBeTruthy();
    await click('Cancel payment');
    expect(await screen.findByText('Nothing leaves. The bill is open again.')).toBeTruthy();
    expect(on.commands.paymentCancel).not.toHaveBeenCalled();
    await click('Cancel payment');
    await waitFor(() => expect(on.commands.paymentCancel).toHaveBeenCalledExactlyOnceWith('payment-loan'));
    expect(await screen.findByRole('heading', { name: 'Cancelled' })).toBeTruthy();
  });

  it('asks anew about a payment that waited here past its day', async () => {
    const on = world();
    const all = await on.commands.payments();
    const payments = all.status === 'ok' ? all.data : [];
    const late = { ...payments.find((one) => one.id === 'payment-loan')!, state: 'refused' as const, reason: 'day_passed', again: { sends_on: '2026-11-12', expected_by: '2026-11-13' } };
    on.commands.payments = () => ok([late]);
    draw(Payments, on, { asked: 'payment-loan' });
    expect(await screen.findByText(/^Not sent: its day passed/)).toBeTruthy();
    expect(await screen.findByText(/it leaves .*Nov 12.* and is there .*Nov 13/)).toBeTruthy();
    expect(on.commands.paymentAgain).not.toHaveBeenCalled();
    await click('Pay $268.75 now');
    await waitFor(() => expect(on.commands.paymentAgain).toHaveBeenCalledExactlyOnceWith('payment-loan', '2026-11-12'));
  });

  it('says of what is done when it left, and leads from an empty list to the bills', async () => {
    const on = world();
    const { unmount } = draw(Payments, on);
    const first = (name: string) => screen.getByRole('heading', { name }).closest('section')?.querySelector('thead th')?.textContent;
    await screen.findByRole('heading', { name: 'Settled, returned, cancelled' });
    expect([first('Coming up'), first('Settled, returned, cancelled')]).toEqual(['Leaves', 'Left']);
    expect(on.desk.subject).toBe('5 scheduled, 1 sent');
    expect(screen.getByText('3 payments')).toBeTruthy();
    expect((await screen.findAllByRole('cell', { name: 'Tern Harbor Checking ··2086' })).length, 'what it leaves from').toBeGreaterThan(0);
    unmount();
    draw(Payments, world('?world=empty'));
    expect((await screen.findByRole('link', { name: 'Go to Bills' })).getAttribute('href')).toBe('/bills');
  });

  it('says what moves a payment, what is normal, and for how long it has been on its way', async () => {
    draw(Payments, world(), { asked: 'payment-dental' });
    await screen.findByRole('dialog');
    expect(screen.getByText(/Moved by ACH, in a file for the bank\. Usually it is there on the next banking day/)).toBeTruthy();
    expect(screen.getByText(/On its way for 2 days; expected by/)).toBeTruthy();
  });

  it('tells what is scheduled from what was sent', async () => {
    draw(Payments, world());
    const head = (await screen.findByRole('heading', { name: 'Coming up' })).parentElement as HTMLElement;
    expect(head.textContent).toMatch(/\$1,696\.94 scheduled, \$100\.00 sent$/);
  });

  it('names the method that a payment is drawn from', async () => {
    const on = world();
    const all = await on.ipc.commands.payments();
    if (all.status !== 'ok') throw new Error('no payments');
    on.desk.commands.payments = () => ok(all.data.map((payment) => ({ ...payment, method: 'method-heron' })));
    draw(Payments, on, { asked: 'payment-loan' });
    expect(await screen.findByText('to Brightwater Car Loans, from Heron ··4471')).toBeTruthy();
  });

  it('says when it is too late to cancel', async () => {
    draw(Payments, world('', { paymentCancel: () => refused('too_late') }), { asked: 'payment-loan' });
    await click('Cancel payment');
    await click('Cancel payment');
    expect(await screen.findByText('It has already left.')).toBeTruthy();
  });

  it('tells the whole way of one that came back, with the reason', async () => {
    draw(Payments, world(), { asked: 'payment-gas-back' });
    await screen.findByRole('dialog');
    expect([...document.querySelectorAll('.path li')].map((step) => step.className)).toEqual(['done', 'done', 'failed']);
    expect(document.querySelector('.path .failed')?.textContent).toContain('The account that it left from held too little (R01).');
    expect(screen.getByText('The bill is open again.')).toBeTruthy();
  });

  it('says why a payment waits for the passkey, until when, and opens the browser only when asked', async () => {
    const on = world('?world=passkey-asked');
    draw(Payments, on, { asked: 'payment-waits' });
    await screen.findByRole('heading', { name: 'Waiting for you' });
    const step = document.querySelector('.path .now')?.textContent;
    expect(step).toContain('It is above your limit for one payment.');
    expect(step).toContain('Approve it by');
    expect(on.commands.paymentApprove).not.toHaveBeenCalled();
    await click('Approve in the browser');
    await waitFor(() => expect(on.commands.paymentApprove).toHaveBeenCalledExactlyOnceWith('payment-waits'));
    expect(await screen.findByText(/Waiting for your passkey/)).toBeTruthy();
  });

  it('says at once until when a payment is held, why, and when it leaves', async () => {
    draw(Payments, world('?world=passkey-asked'), { asked: 'payment-held' });
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('Held until');
    expect(alert.textContent).toContain('The first payment to a new payee waits 12 hours.');
    expect(alert.textContent).toContain('It leaves Fri, Nov\u00a013 by itself.');
    expect(screen.getByRole('button', { name: 'Cancel payment' })).toBeTruthy();
  });

  it('changes the amount and the day of a payment that has not left, and says what that costs', async () => {
    const on = world();
    draw(Payments, on, { asked: 'payment-loan' });
    await click('Change');
    expect(await screen.findByText(/your passkey may be asked for again/)).toBeTruthy();
    await type('Amount', '0');
    await click('Change the payment');
    expect(on.commands.paymentEdit).not.toHaveBeenCalled();
    await type('Amount', '250');
    await click('As soon as possible', 'radio');
    await click('Change the payment');
    await waitFor(() => expect(on.commands.paymentEdit).toHaveBeenCalledExactlyOnceWith('payment-loan', { minor: 25000, currency: 'USD' }, { kind: 'soonest' }));
    expect(await screen.findByRole('heading', { name: 'Waiting for you' })).toBeTruthy();
  });

  it('says why it was asked about, reason by reason', async () => {
    const on = world('?world=passkey-asked');
    const decision = { id: 'decision-9', at: '2026-11-12T14:40:00Z', last_at: '2026-11-12T14:40:00Z', occasion: 'approval' as const, device: null, place: null, score: 45, verdict: 'step_up' as const, event: null, mine: null };
    const reasons = [{ reason: 'impossible_travel' as const, points: 45 }];
    const other = { ...decision, payment: 'payment-other', reasons: [{ reason: 'burst' as const, points: 10 }] };
    on.desk.commands.risk = () => ok({ decisions: [other, { ...decision, payment: 'payment-waits', reasons }], places_known: true });
    const all = await on.ipc.commands.payments();
    if (all.status !== 'ok') throw new Error('no payments');
    const unusual = all.data.map((payment) => (payment.id === 'payment-waits' ? { ...payment, reason: 'risk' } : payment));
    on.desk.commands.payments = () => ok(unusual);
    draw(Payments, on, { asked: 'payment-waits' });
    expect(await screen.findByText('+45')).toBeTruthy();
    expect(screen.queryByText('+10')).toBeNull();
  });

  it('follows a payment live while it is open', async () => {
    const on = world();
    draw(Payments, on, { asked: 'payment-dental' });
    await screen.findByRole('heading', { name: 'Sent' });
    const all = await on.ipc.commands.payments();
    if (all.status !== 'ok') throw new Error('no payments');
    const arrived = all.data.map((payment) => (payment.id === 'payment-dental' ? { ...payment, state: 'settled' as const } : payment));
    on.desk.commands.payments = () => Promise.resolve({ status: 'ok', data: arrived });
    await on.desk.changed();
    expect(await screen.findByRole('heading', { name: 'Arrived' })).toBeTruthy();
  });
});
