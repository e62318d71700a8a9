import { describe, expect, it, vi } from 'vitest';
import { draw, fireEvent, ok, screen, waitFor, within, world } from '$lib/test/draw';
import { answer } from '$lib/ipc';
import { FIRST } from '$lib/state/pages.svelte';
import Orders from './Orders.svelte';

describe('orders', () => {
  it('lists them with how far they have come', async () => {
    const on = world('?world=served');
    draw(Orders, on);
    const table = within(await screen.findByRole('table', { name: 'Orders, newest first' }));
    expect(table.getByText('Partly sent')).toBeTruthy();
    expect(table.getByText('Partly returned')).toBeTruthy();
    expect(table.getByText('$88.75')).toBeTruthy();
    expect(on.desk.subject).toBe('2 orders');
    expect(screen.getByText(/^Nothing is charged so far\./)).toBeTruthy();
    const [first, second] = table.getAllByRole('link');
    first?.focus();
    await fireEvent.keyDown(first as HTMLElement, { key: 'ArrowDown' });
    await waitFor(() => expect(document.activeElement).toBe(second));
  });

  it('shows each parcel beside what the card was charged or paid back for it', async () => {
    draw(Orders, world('?world=served'), { asked: 'order-1' });
    const order = within(await screen.findByRole('region', { name: 'Quillmere Q-20614' }));
    expect(order.getByText(/Came back .* Refunded/)).toBeTruthy();
    expect(order.getByText(/Sent .* arrived .* Charged/)).toBeTruthy();
    expect(order.getByText('12 Alder Court', { exact: false })).toBeTruthy();
    expect(order.getByText(/^\$56\.76 charged so far/)).toBeTruthy();
  });

  it('names what was never sent', async () => {
    const on = world('?world=served');
    const [first] = (await answer(on.commands.orders(FIRST))).items;
    vi.mocked(on.commands.orders).mockResolvedValue({ status: 'ok', data: { items: [{ ...first!, state: 'arrived', never_sent: [{ item: 0, quantity: 1 }] }], next: null } });
    draw(Orders, on);
    expect(await screen.findByText('Never sent, for the rest was cancelled: Reading lamp. It is not charged.')).toBeTruthy();
  });

  it('says what of a charge the wallet paid', async () => {
    const on = world('?world=served');
    const [, second] = (await answer(on.commands.orders(FIRST))).items;
    const money = (minor: number) => ({ minor, currency: 'USD' });
    const charges = second!.order.charges.map((charge) => ({ ...charge, amount: money(10000), by_wallet: money(6000) })).slice(0, 1);
    vi.mocked(on.commands.orders).mockResolvedValue({ status: 'ok', data: { items: [{ ...second!, order: { ...second!.order, charges }, charged: money(10000), charged_by_wallet: money(6000) }], next: null } });
    draw(Orders, on);
    expect(await screen.findByText(/^\$100\.00 charged so far, refunds taken off\. \$40\.00 on the card, \$60\.00 from the wallet\./)).toBeTruthy();
  });

  it('lists more when asked, and opens one that is older than what is listed', async () => {
    const [one, asked] = (await answer(world('?world=served').commands.orders(FIRST))).items;
    const all = Array.from({ length: 70 }, (_, at) => ({ ...one!, order: { ...one!.order, id: `many-${at}`, told: { ...one!.order.told, number: `M-${at}` } } }));
    const on = world('?world=served', {
      orders: ({ limit, after }) => {
        const start = Number(after ?? 0);
        const end = start + (limit ?? 50);
        return ok({ items: all.slice(start, end), next: end < all.length ? String(end) : null });
      },
    });
    draw(Orders, on, { asked: asked!.order.id });
    expect(await screen.findByRole('region', { name: `${asked!.order.merchant} ${asked!.order.told.number}` })).toBeTruthy();
    expect(screen.queryByText('M-69')).toBeNull();
    expect(on.desk.subject, 'what is not all here is not counted').toBe('');
    await fireEvent.click(screen.getByRole('button', { name: 'Show more' }));
    expect(await screen.findByText('M-69')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
  });

  it('says where orders come from when there is none', async () => {
    draw(Orders, world());
    expect(await screen.findByRole('heading', { name: 'No orders yet' })).toBeTruthy();
    expect(screen.getByRole('link', { name: 'Go to Card' }).getAttribute('href')).toBe('/card');
  });
});
