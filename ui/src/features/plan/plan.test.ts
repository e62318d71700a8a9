import { describe, expect, it } from 'vitest';
import { click, draw, ok, screen, type, waitFor, within, world } from '$lib/test/draw';
import { IncomeForm } from './incomeForm.svelte';
import Plan from './Plan.svelte';

describe('the plan for a pay period', () => {
  it('says what is safe, with a sum that adds up', async () => {
    draw(Plan, world());
    const heading = await screen.findByRole('heading', { name: 'Safe until pay day, Fri, Nov\u00a020' });
    const panel = heading.closest('section') as HTMLElement;
    const sum = [...panel.querySelectorAll('dd')].map((one) => Number(one.textContent.replace('−', '-').replace(/[$,]/g, '')));
    const total = sum.pop() ?? NaN;
    expect(sum.reduce((a, b) => a + b, 0)).toBeCloseTo(total, 5);
    expect(panel.querySelector('.figure-xl')?.textContent).toBe(`$${total.toFixed(2)}`);
  });

  it('lists each payment with the reason for its day, and the due date beside it', async () => {
    draw(Plan, world());
    const water = (await screen.findByRole('rowheader', { name: /Millbrook Water/ })).closest('tr') as HTMLElement;
    expect(within(water).getByText('After the pay of Tern Harbor Clinic, Nov 20')).toBeTruthy();
    expect([...water.querySelectorAll('time')].map((one) => one.textContent)).toEqual(['Fri, Nov\u00a020', 'Tue, Nov\u00a024']);
    const gas = screen.getAllByRole('rowheader', { name: /Northfold Gas/ })[0]?.closest('tr') as HTMLElement;
    expect(within(gas).getByText('Late: as soon as possible')).toBeTruthy();
    const loan = screen.getAllByRole('rowheader', { name: /Brightwater car loan/ })[0]?.closest('tr') as HTMLElement;
    expect(within(loan).getByText('Ordered for that day')).toBeTruthy();
    expect(within(loan).getByRole('link', { name: 'Show payment Brightwater car loan' }).getAttribute('href')).toBe('/payments?payment=payment-loan');
  });

  it('opens the payment of what can be paid from here', async () => {
    const on = world();
    draw(Plan, on);
    const pay = await screen.findAllByRole('button', { name: 'Pay Cobalt Ridge Power' });
    pay[0]?.click();
    expect(on.desk.paying).toEqual({ bill: 'bill-power', dueOn: '2026-11-16', on: expect.stringMatching(/^2026-11-1/) });
  });

  it('says when only what is kept back is touched, and that every payment is covered', async () => {
    draw(Plan, world('?world=short'));
    expect(await screen.findByText(/^\$[\d.]+ below the \$600\.00 you keep back$/)).toBeTruthy();
    expect(screen.getByText(/Every payment is covered; the lowest is \$/)).toBeTruthy();
    expect(screen.queryByText('No plan fits')).toBeNull();
  });

  it('says when no plan fits, by how much, and what would help', async () => {
    const on = world('?world=short');
    const all = await on.ipc.commands.plan();
    if (all.status !== 'ok' || !all.data.figures?.short) throw new Error('no plan');
    const { figures } = all.data;
    on.desk.commands.plan = () => ok({ ...all.data, figures: { ...figures, short: { ...figures.short!, by: { minor: 60001, currency: 'USD' } } } });
    draw(Plan, on);
    expect(await screen.findByText('No plan fits')).toBeTruthy();
    expect(screen.getByText(/is missing from/)).toBeTruthy();
  });

  it('asks for pay days first, and keeps what is typed', async () => {
    const on = world('?world=no-pay');
    draw(Plan, on);
    expect(await screen.findByRole('heading', { name: 'Say when you are paid' })).toBeTruthy();
    await click('Add a pay day');
    await click('Save pay day');
    expect(screen.getByText('Say who pays.')).toBeTruthy();
    expect(on.commands.incomePut).not.toHaveBeenCalled();
    await type('Who pays', 'Tern Harbor Clinic');
    await type('Amount', '1,486.00');
    await type('One of the pay days', '2026-11-20');
    expect(await screen.findByText(/Pay days: Fri, Nov 20/)).toBeTruthy();
    await click('Save pay day');
    await waitFor(() => expect(screen.getByRole('heading', { name: 'Safe until pay day, Fri, Nov\u00a020' })).toBeTruthy());
    expect(on.commands.incomePut).toHaveBeenCalledWith(null, {
      name: 'Tern Harbor Clinic',
      amount: { minor: 148600, currency: 'USD' },
      cycle: { kind: 'two_weekly', anchor: '2026-11-20' },
      calendar: 'federal_reserve',
      roll: 'preceding',
    });
  });

  it('keeps back what the person says', async () => {
    const on = world();
    draw(Plan, on);
    await click('Change How it is planned');
    await type('Never below', '100');
    await click('Save');
    await waitFor(() => expect(screen.getByText('Never below $100.00')).toBeTruthy());
    expect(on.commands.planWish).toHaveBeenCalledWith({ account: null, keep: { minor: 10000, currency: 'USD' }, pace: 'after_pay' });
  });

  it('removes an income and takes that back', async () => {
    const on = world();
    draw(Plan, on);
    await click('More for Brook Lane Music School');
    await click('Remove', 'menuitem');
    await waitFor(() => expect(screen.queryByText('Brook Lane Music School')).toBeNull());
    on.desk.toasts.at(-1)?.undo?.();
    await waitFor(() => expect(screen.getByText('Brook Lane Music School')).toBeTruthy());
  });
});

describe('what is typed about an income', () => {
  it('is refused when two days a month are not two days in order', () => {
    const form = new IncomeForm(null, 'USD');
    form.name = 'School';
    form.amount = '420';
    form.kind = 'semi_monthly';
    form.first = '15';
    form.second = '15';
    expect(form.read()).toBeNull();
    expect(form.is('days')).toBe(true);
    form.second = '31';
    expect(form.read()?.cycle).toEqual({ kind: 'semi_monthly', first: 15, second: 31 });
  });

  it('is filled from the one that is changed', () => {
    const form = new IncomeForm({ id: 'i', name: 'Mill', amount: { minor: 90000, currency: 'EUR' }, cycle: { kind: 'monthly', day: 31 }, calendar: 'target2', roll: 'stays' }, 'USD');
    expect([form.name, form.currency, form.kind, form.day, form.calendar, form.roll]).toEqual(['Mill', 'EUR', 'monthly', '31', 'target2', 'stays']);
  });
});
