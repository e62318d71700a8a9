import { describe, expect, it } from 'vitest';
import { click, draw, fireEvent, ok, refused, screen, type, waitFor, within, world } from '$lib/test/draw';
import { speak } from '$lib/i18n';
import { payoff } from '$lib/ipc/sample/payoff';
import { card } from '$lib/ipc/sample/accounts';
import Card from './Card.svelte';
import { curveOf, stepFor } from './payoff.svelte';

const panel = async (name: string) => (await screen.findByRole('heading', { name })).closest('section') as HTMLElement;
const slide = async (minor: number) => fireEvent.input(await screen.findByRole('slider', { name: 'Monthly payment' }), { target: { value: String(minor) } });

describe('what paying more does', () => {
  it('begins with the smallest payment that keeps deferred interest away', async () => {
    draw(Card, world());
    const section = await panel('What paying more does');
    expect(await within(section).findByText('from $230.00: it never lands')).toBeTruthy();
    expect(screen.getByRole('slider', { name: 'Monthly payment' }).getAttribute('aria-valuetext')).toBe('$230.00');
    expect(within(section).getByText('Jun 2027', { selector: '.figure-md' })).toBeTruthy();
  });

  it('asks again with each choice and says where the next payment goes', async () => {
    const on = world();
    draw(Card, on);
    await slide(30000);
    await waitFor(() => expect(on.commands.cardPayoff).toHaveBeenLastCalledWith('account-card', { minor: 30000, currency: 'USD' }));
    const goes = await screen.findByRole('heading', { name: 'Where $300.00 on Thu, Nov\u00a019 goes' });
    const shares = [...(goes.nextElementSibling?.querySelectorAll('li') ?? [])].map((item) => item.textContent);
    expect(shares).toEqual(['Sofa, its installment$50.00', 'Refrigerator, part of the minimum, lowest rate first$30.00', 'Refrigerator, above the minimum, as you asked$220.00']);
  });

  it('follows the slider also on the way back to the card', async () => {
    const on = world();
    const { unmount } = draw(Card, on);
    await slide(30000);
    await waitFor(() => expect(on.commands.cardPayoff).toHaveBeenLastCalledWith('account-card', { minor: 30000, currency: 'USD' }));
    unmount();
    draw(Card, on);
    await slide(40000);
    await waitFor(() => expect(on.commands.cardPayoff).toHaveBeenLastCalledWith('account-card', { minor: 40000, currency: 'USD' }));
    expect(await screen.findByRole('heading', { name: /^Where \$400\.00 on/ })).toBeTruthy();
  });

  it('keeps a wish for another balance', async () => {
    const on = world();
    draw(Card, on);
    const select = await screen.findByLabelText('Above the minimum goes to');
    await fireEvent.change(select, { target: { value: 'by_rate' } });
    await waitFor(() => expect(on.commands.cardExcess).toHaveBeenCalledWith('account-card', 'by_rate'));
  });

  it('begins the lines of the chart beside the longest label', async () => {
    const startOf = async (name: string) => Number(/^M(\d+)/.exec((await screen.findByRole('img', { name: new RegExp(name) })).querySelector('.grid')?.getAttribute('d') ?? '')?.[1]);
    const { unmount } = draw(Card, world());
    const short = await startOf('What is still owed');
    unmount();
    speak(['es-ES']);
    draw(Card, world());
    expect(await startOf('Lo que aún se debe')).toBeGreaterThan(short);
  });

  it('has every figure of the chart in a table', async () => {
    draw(Card, world());
    const table = await screen.findByRole('table', { name: 'Payoff by monthly payment', hidden: true });
    const rows = [...table.querySelectorAll('tbody tr')].map((row) => row.textContent?.replace(/\s+/g, ' ').trim());
    expect(rows[0]).toContain('Minimum');
    expect(rows[0]).toContain('$194.27 lands');
    expect(rows.some((row) => row?.startsWith('$230.00') && row.endsWith('Never'))).toBe(true);
  });

  it('says what is missing and opens the terms', async () => {
    draw(Card, world('', { cardPayoff: () => ok({ kind: 'missing' as const, why: 'rate' as const }) }));
    expect(await screen.findByText(/Set the yearly rate/)).toBeTruthy();
    await click('Set terms');
    expect(await screen.findByLabelText('Yearly rate on purchases, percent')).toBeTruthy();
  });

  it('draws both lines over the same months from one figure', () => {
    const view = payoff(card, { minor: 30000, currency: 'USD' });
    if (view.kind !== 'ready') throw new Error('nothing is missing');
    const curve = curveOf(view, '2026-11-12');
    expect(curve.months).toHaveLength(24);
    expect(curve.chosen[0]).toBe(curve.minimum[0]);
    expect(curve.chosen.at(-1)).toBe(0);
    expect(curve.minimum).toHaveLength(25);
    expect([stepFor(146_324), stepFor(1), stepFor(9_000_000)]).toEqual([50_000, 1, 5_000_000]);
  });
});

describe('payment plans', () => {
  it('count down to the deadline, with what is at risk and what to pay', async () => {
    draw(Card, world());
    const plans = await panel('Payment plans');
    expect(within(plans).getByText('69')).toBeTruthy();
    expect(within(plans).getByText(/Pay \$180\.00 with each of the next 3 payments/)).toBeTruthy();
    expect(within(plans).getByText(/\$196\.52 of interest is added at once/)).toBeTruthy();
    expect(within(plans).getByText('2 plans, $890.00 left')).toBeTruthy();
  });

  it('are entered from a statement, and wrong figures are named', async () => {
    const on = world();
    draw(Card, on);
    await click('Add a plan');
    await type('What was bought', 'Bed');
    await type('Amount at the beginning', '900');
    await type('Began on', '2026-10-01');
    await type('Left to pay', '901');
    await type('Last day to pay in full', '2027-10-01');
    await type('Yearly rate kept aside, percent', '27.99');
    await click('Save plan');
    expect(await screen.findByText('From zero to the amount at the beginning.')).toBeTruthy();
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Left to pay')));
    expect(on.commands.cardPlan).not.toHaveBeenCalled();
    await type('Left to pay', '900');
    await click('Save plan');
    await waitFor(() => expect(on.commands.cardPlan).toHaveBeenCalledWith('account-card', expect.objectContaining({ id: null, name: 'Bed', apr: 279_900 })));
    expect(await within(await panel('Payment plans')).findByText('Bed')).toBeTruthy();
  });

  it('are removed only after a question, and come back by Undo', async () => {
    const on = world();
    draw(Card, on);
    await click('More for Sofa');
    await click('Remove', 'menuitem');
    await click('Remove plan');
    await waitFor(() => expect(on.commands.cardPlanRemove).toHaveBeenCalledWith('account-card', 'plan-sofa'));
    on.desk.toasts.at(-1)?.undo?.();
    await waitFor(() => expect(on.commands.cardPlan).toHaveBeenCalledWith('account-card', expect.objectContaining({ id: 'plan-sofa', name: 'Sofa' })));
  });

  it('stay when the server refuses', async () => {
    draw(Card, world('', { cardPlanRemove: () => refused('not_found') }));
    await click('More for Sofa');
    await click('Remove', 'menuitem');
    await click('Remove plan');
    expect(await screen.findByRole('dialog', { name: 'Remove the plan Sofa' })).toBeTruthy();
  });
});
