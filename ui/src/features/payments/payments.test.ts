import { describe, expect, it } from 'vitest';
import { click, draw, refused, screen, waitFor, world } from '$lib/test/draw';
import Payments from './Payments.svelte';

describe('payments', () => {
  it('asks before it cancels, and cancels once', async () => {
    const on = world();
    draw(Payments, on, { asked: 'payment-loan' });
    await click('Cancel payment');
    expect(await screen.findByText('Nothing leaves. The bill is open again.')).toBeTruthy();
    expect(on.commands.paymentCancel).not.toHaveBeenCalled();
    await click('Cancel payment');
    await waitFor(() => expect(on.commands.paymentCancel).toHaveBeenCalledExactlyOnceWith('payment-loan'));
    expect(await screen.findByRole('heading', { name: 'Cancelled' })).toBeTruthy();
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
    expect(document.querySelector('.path .failed')?.textContent).toContain('the account held too little (R01)');
    expect(screen.getByText('The bill is open again.')).toBeTruthy();
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
