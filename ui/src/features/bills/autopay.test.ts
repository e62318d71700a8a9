import { describe, expect, it } from 'vitest';
import { click, draw, ok, screen, type, waitFor, within, world } from '$lib/test/draw';
import AutopayList from '$lib/components/autopay/AutopayList.svelte';
import type { Paid } from '$lib/components/autopay/paid';
import { AutopayForm } from '$lib/components/autopay/autopayForm.svelte';
import Bills from './Bills.svelte';

const usd = (minor: number) => ({ minor, currency: 'USD' });

describe('autopay', () => {
  it('says on what terms a bill is paid, what leaves next and that the money is short', async () => {
    draw(Bills, world(), { bill: 'bill-rent' });
    const section = (await screen.findByRole('heading', { name: 'Autopay' })).closest('section') as HTMLElement;
    expect(within(section).getByText(/Pays what is left, asks above \$1,200.00/)).toBeTruthy();
    expect(within(section).getByRole('link', { name: /\$1,180.00 leaves/ }).getAttribute('href')).toBe('/payments?payment=payment-rent-next');
    expect(within(section).getByText(/Add money, or it will fail/)).toBeTruthy();
  });

  it('is turned off at once, and says what was taken back', async () => {
    const on = world();
    draw(Bills, on, { bill: 'bill-fiber' });
    await click('More for the autopay of Lanternline Fiber');
    await click('Turn off', 'menuitem');
    await waitFor(() => expect(on.commands.autopayOff).toHaveBeenCalledWith({ bill: 'bill-fiber' }));
    await waitFor(() => expect(screen.queryByRole('heading', { name: 'Autopay' })).toBeNull());
    expect(on.desk.toasts.some((toast) => toast.text.includes('1 payment was taken back'))).toBe(true);
  });

  it('sets terms for a bill that has none, with a cap that the person sees', async () => {
    const on = world();
    draw(Bills, on, { bill: 'bill-power' });
    await click('Pay automatically');
    const dialog = await screen.findByRole('dialog', { name: /Pay Cobalt Ridge Power automatically/ });
    await type('Ask me above', '120');
    await type('Warn me above', '130');
    await click('Turn on');
    expect(within(dialog).getAllByText(/not above the cap/).length).toBe(1);
    await type('Warn me above', '100');
    await click('Turn on');
    await waitFor(() => expect(on.commands.autopaySet).toHaveBeenCalled());
    expect(on.commands.autopaySet).toHaveBeenCalledWith({ bill: 'bill-power' }, { amount: { pay: 'left' }, cap: usd(12000), warn_above: usd(10000), method: null, days_before: 0, ends_on: null, payments: null });
  });

  it('shows the address when a passkey is asked for and no browser opens', async () => {
    const visit = { address: 'http://localhost:8470/sign-in/step-up/open?secret=Wm7', browser_opened: false };
    const on = world('', { autopaySet: () => ok({ on: false, visit }) });
    draw(Bills, on, { bill: 'bill-power' });
    await click('Pay automatically');
    await click('Turn on');
    expect(await screen.findByText(visit.address)).toBeTruthy();
  });

  it('says why it stopped and lets it go on', async () => {
    const on = world();
    draw(Bills, on, { bill: 'bill-gas' });
    expect(await screen.findByText(/Two payments in a row failed/)).toBeTruthy();
    await click('Resume autopay');
    await waitFor(() => expect(on.commands.autopayPause).toHaveBeenCalledWith({ bill: 'bill-gas' }, false));
  });

  it('stands with the payments, and says why one needs its person, with the way there', async () => {
    draw(AutopayList, world());
    const list = (await screen.findByRole('heading', { name: 'Autopay' })).closest('section') as HTMLElement;
    const rows = within(list).getAllByRole('listitem');
    const why = rows.map((row) => row.querySelector('.overdue a'));
    expect(why.map((link) => [link?.textContent, link?.getAttribute('href')])).toEqual([
      ['Tern Harbor Checking is $72.82 short. Add money, or it will fail.', '/payments?payment=payment-rent-next'],
      [undefined, undefined],
      ['Two payments in a row failed. See why, then resume it.', '/bills?bill=bill-gas'],
    ]);
    expect(rows.map((row) => row.querySelector('.line-1')?.textContent), 'the amount ends the first line; the state stands below').toEqual(['Alder Court, rent$1,180.00', 'Lanternline Fiber$59.99', 'Northfold Gas']);
  });
});

describe('the form of autopay', () => {
  const bill: Paid = { of: { bill: 'bill-power' }, name: 'Power', currency: 'USD', expected: usd(9417), cap: null };

  it('offers a cap a quarter above what the bill costs', () => {
    expect(new AutopayForm(bill, null).read()?.cap).toEqual(usd(11772));
  });

  it('takes no fixed amount above the cap, and no end without its day or count', () => {
    const form = new AutopayForm(bill, null);
    form.each = 'fixed';
    form.amount = '200';
    form.end = 'count';
    form.payments = '0';
    expect(form.read()).toBeNull();
    expect([form.is('amount'), form.is('end'), form.is('cap')]).toEqual([true, true, false]);
    form.amount = '100';
    form.payments = '12';
    expect(form.read()).toMatchObject({ amount: { pay: 'fixed', amount: usd(10000) }, payments: 12 });
  });
});
