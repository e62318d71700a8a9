import { describe, expect, it } from 'vitest';
import { draw, screen, within, world } from '$lib/test/draw';
import Orders from './Orders.svelte';

describe('orders', () => {
  it('lists them with how far they have come', async () => {
    draw(Orders, world('?world=served'));
    const table = within(await screen.findByRole('table', { name: 'Orders, newest first' }));
    expect(table.getByText('Partly sent')).toBeTruthy();
    expect(table.getByText('Partly returned')).toBeTruthy();
    expect(table.getByText('$88.75')).toBeTruthy();
  });

  it('shows each parcel beside what the card was charged or paid back for it', async () => {
    draw(Orders, world('?world=served'), { asked: 'order-1' });
    const order = within(await screen.findByRole('region', { name: 'Quillmere Q-20614' }));
    expect(order.getByText(/Came back .* Refunded/)).toBeTruthy();
    expect(order.getByText(/Sent .* arrived .* Charged/)).toBeTruthy();
    expect(order.getByText('12 Alder Court', { exact: false })).toBeTruthy();
    expect(order.getByText(/^\$56\.76 charged so far/)).toBeTruthy();
  });

  it('says where orders come from when there is none', async () => {
    draw(Orders, world());
    expect(await screen.findByRole('heading', { name: 'No orders yet' })).toBeTruthy();
  });
});
