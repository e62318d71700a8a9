import { fireEvent } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import { AutopayForm } from '$lib/components/autopay/autopayForm.svelte';
import { en } from '$lib/i18n/en';
import { paidCard } from '$lib/components/autopay/paid';
import { cardView, servedCard } from '$lib/ipc/sample/accounts';
import AutopayList from '$lib/components/autopay/AutopayList.svelte';
import { click, draw, screen, type, waitFor, within, world } from '$lib/test/draw';
import Card from './Card.svelte';

const usd = (minor: number) => ({ minor, currency: 'USD' });

describe('autopay of a card of the server', () => {
  it('says what it pays, what leaves next, and that it is warned of and not borne', async () => {
    draw(Card, world('?world=served'));
    const section = (await screen.findByRole('heading', { name: 'Autopay' })).closest('section') as HTMLElement;
    expect(within(section).getByText(/Pays the statement balance, asks above \$1,500.00/)).toBeTruthy();
    expect(within(section).getByRole('link', { name: /\$1,284.60 leaves/ })).toBeTruthy();
    expect(within(section).getByText(/more than \$1,000.00, above which you wanted to be warned/)).toBeTruthy();
    expect(within(section).getByText(/Add money, or it will fail/)).toBeTruthy();
  });

  it('is turned on for the minimum, from the balance kept by the server alone', async () => {
    const on = world('?world=frozen');
    draw(Card, on);
    await click('Pay automatically');
    const dialog = await screen.findByRole('dialog', { name: 'Pay Quillmere Card ··4417 automatically' });
    expect(within(dialog).queryByLabelText('From')).toBeNull();
    await fireEvent.change(within(dialog).getByLabelText('Each time'), { target: { value: 'minimum' } });
    expect(within(dialog).getByText(/Interest goes on for the rest/)).toBeTruthy();
    await type('Ask me above', '120');
    await click('Turn on');
    await waitFor(() => expect(on.commands.autopaySet).toHaveBeenCalledWith({ card: 'account-card' }, { amount: { pay: 'minimum' }, cap: usd(12000), warn_above: null, method: null, days_before: 0, ends_on: null, payments: null }));
    expect(await screen.findByText(/Pays the minimum due, asks above \$120.00/)).toBeTruthy();
  });

  it('is not offered for a card of another bank', async () => {
    draw(Card, world());
    await screen.findByRole('heading', { name: 'What paying more does' });
    expect(screen.queryByRole('button', { name: 'Pay automatically' })).toBeNull();
  });

  it('stands with the bills that are paid by themselves and leads to the card', async () => {
    draw(AutopayList, world('?world=served'));
    const link = await screen.findByRole('link', { name: 'Quillmere Card' });
    expect(link.getAttribute('href')).toBe('/card?account=account-card');
  });

  it('offers a cap a quarter above its statement, or above its limit before there is one', () => {
    const view = cardView(servedCard('active'));
    expect(new AutopayForm(paidCard(view, en), null).read()).toMatchObject({ amount: { pay: 'statement' }, cap: usd(160575) });
    const fresh = { ...view, figures: { ...view.figures, statement_balance: null, current_balance: usd(0) } };
    expect(new AutopayForm(paidCard(fresh, en), null).read()?.cap).toEqual(usd(500000));
  });
});
