import { describe, expect, it } from 'vitest';
import { click, draw, fireEvent, ok, refused, screen, waitFor, within, world } from '$lib/test/draw';
import Home from './Home.svelte';

describe('home', () => {
  it('leads with what needs the person, and lets it be paid', async () => {
    const on = world();
    draw(Home, on);
    expect((await screen.findByRole('link', { name: '$232.49' })).getAttribute('href')).toBe('/bills?show=needs');
    expect(screen.getByText(/3 bills\. 2 payments coming up: \$310\.75 scheduled\./)).toBeTruthy();
    await click('Pay Northfold Gas');
    expect(on.desk.paying).toEqual({ bill: 'bill-gas', dueOn: '2026-11-09' });
  });

  it('tells what was sent from what is only scheduled', async () => {
    const on = world();
    const all = await on.ipc.commands.home();
    if (all.status !== 'ok') throw new Error('no home');
    const { data } = all;
    const timeline = data.timeline.map((day) => ({ ...day, items: day.items.map((one) => (one.bill === 'bill-mobile' ? { ...one, state: 'pending' as const } : one)) }));
    on.desk.commands.home = () => ok({ ...data, timeline });
    draw(Home, on);
    expect(await screen.findByText(/2 payments coming up: \$268\.75 scheduled, \$42\.00 sent\./)).toBeTruthy();
  });

  it('keeps what is late while its payment was not sent, and says so', async () => {
    const on = world('?world=offline');
    draw(Home, on);
    const row = (await screen.findByRole('link', { name: 'Show Northfold Gas' })).closest('li') as HTMLElement;
    expect(within(row).getByText('Not sent yet')).toBeTruthy();
    expect(within(row).getByText('$58.32')).toBeTruthy();
    expect(within(row).queryByRole('button')).toBeNull();
    expect(screen.getByRole('link', { name: '$232.49' })).toBeTruthy();
    expect([...document.querySelectorAll('.timeline .mark')].some((mark) => mark.textContent.includes('Northfold Gas, $58.32, Mon, Nov\u00a09, Not sent yet'))).toBe(true);
    expect(on.desk.status.data).toMatchObject({ needs_you: 3, overdue: 1 });
  });

  it('says of a plan that only what is kept back is touched', async () => {
    draw(Home, world('?world=short'));
    expect(await screen.findByText(/^\$[\d.]+ below the \$600\.00 you keep back\.$/)).toBeTruthy();
    expect(screen.queryByText(/No plan fits/)).toBeNull();
  });

  it('says beside a card what avoids all interest', async () => {
    draw(Home, world('?world=served'));
    expect(await screen.findByText(/^\$984\.60 by Nov 19 avoids all interest/)).toBeTruthy();
    expect(screen.getByRole('link', { name: 'See why Quillmere Card ··4417' }).getAttribute('href')).toBe('/card?account=account-card');
  });

  it('draws two incomes of one name on one day', async () => {
    const on = world();
    const income = { name: 'Tern Harbor Clinic', amount: { minor: 1200, currency: 'USD' }, cycle: { kind: 'two_weekly' as const, anchor: '2026-11-20' }, calendar: 'federal_reserve' as const, roll: 'preceding' as const };
    await on.ipc.commands.incomePut(null, income);
    draw(Home, on);
    expect((await screen.findAllByText(/Tern Harbor Clinic.*\$12\.00/)).length).toBeGreaterThan(0);
    expect(screen.getAllByText(/Tern Harbor Clinic.*\$1,486\.00/).length).toBeGreaterThan(0);
  });

  it('pays a card of the server as a card is paid', async () => {
    const on = world('?world=served');
    draw(Home, on);
    await click('Pay Quillmere Card');
    expect(on.desk.payingCard).toMatchObject({ id: 'account-card' });
    expect(on.desk.paying).toBeNull();
  });

  it('names what stands before paying while something does, with its fix', async () => {
    const on = world('?world=not-ready');
    draw(Home, on);
    expect(await screen.findByRole('heading', { name: 'Ready to pay' })).toBeTruthy();
    expect(document.querySelectorAll('.check.todo').length).toBeGreaterThan(0);
  });

  it('says nothing of that where all is in order', async () => {
    draw(Home, world());
    await screen.findByRole('link', { name: '$232.49' });
    expect(screen.queryByRole('heading', { name: 'Ready to pay' })).toBeNull();
  });

  it('keeps the four figures of a card apart', async () => {
    draw(Home, world());
    for (const [name, amount] of [
      ['Minimum due', '$80.00'],
      ['Statement balance', '$1,284.60'],
      ['Current balance', '$1,463.24'],
      ['Pending', '$103.10'],
    ] as const) {
      const term = (await screen.findAllByText(name)).find((one) => one.tagName === 'DT');
      expect(term?.nextElementSibling?.textContent?.trim()).toBe(amount);
    }
  });

  it('marks what is left today and where the balance is lowest', async () => {
    draw(Home, world());
    const chart = await screen.findByRole('img', { name: /^Left in the account: .* today, lowest .* on / });
    const [, today, lowest] = /^Left in the account: (\S+) today, lowest (\S+) on /.exec(chart.getAttribute('aria-label') ?? '') ?? [];
    expect(screen.getByText(`${today} left today`)).toBeTruthy();
    expect(screen.getByText(`lowest ${lowest}`)).toBeTruthy();
  });

  it('has the table behind the timeline, line for line', async () => {
    draw(Home, world());
    await fireEvent.click(await screen.findByText('Show as a table'));
    const rows = document.querySelectorAll('.chart-foot tbody tr');
    expect(rows).toHaveLength(document.querySelectorAll('.timeline .mark').length);
  });

  it('shows no zeros as facts when there is nothing yet', async () => {
    draw(Home, world('?world=empty'));
    expect(await screen.findByRole('heading', { name: 'Add your first bill' })).toBeTruthy();
    expect(document.body.textContent).not.toContain('$0.00');
    expect(screen.getByRole('link', { name: 'Add a pay day' }).getAttribute('href')).toBe('/bills/plan');
  });

  it('says what could not be read and reads again', async () => {
    let fails = true;
    const on = world();
    const read = on.desk.commands.home;
    on.desk.commands.home = () => (fails ? refused('cache_failed') : read());
    draw(Home, on);
    expect(await screen.findByText('Home could not be read')).toBeTruthy();
    fails = false;
    await click('Read again');
    expect(await screen.findByRole('link', { name: '$232.49' })).toBeTruthy();
    expect(screen.queryByText('Home could not be read')).toBeNull();
  });

  it('keeps what it showed when a later reading fails', async () => {
    const on = world();
    draw(Home, on);
    await screen.findByRole('link', { name: '$232.49' });
    on.desk.commands.home = () => refused('cache_failed');
    await on.desk.changed();
    expect(await screen.findByText('Home could not be read')).toBeTruthy();
    expect(screen.getByText(/from the last time it could be read: /)).toBeTruthy();
    expect(screen.getByRole('link', { name: '$232.49' })).toBeTruthy();
  });

  it('says what the pay days of the next 30 days bring, and strikes what is skipped', async () => {
    draw(Home, world());
    expect(await screen.findByText(/in 14 bills, 3 pay days bring \$3,392\.00$/)).toBeTruthy();
    const table = screen.getByRole('table', { name: /^Timeline/, hidden: true });
    expect([...table.querySelectorAll('tr.struck')].map((row) => row.querySelector('th')?.textContent)).toEqual(['Ironvale Gym']);
  });

  it('says of the plan alone that it could not be read', async () => {
    const on = world('', { plan: () => refused('cache_failed') });
    draw(Home, on);
    expect(await screen.findByText('Safe to spend could not be read')).toBeTruthy();
    expect(await screen.findByRole('link', { name: '$232.49' })).toBeTruthy();
  });

  it('reads again when the shell tells of a change', async () => {
    const on = world();
    draw(Home, on);
    await screen.findByRole('link', { name: '$232.49' });
    await on.desk.commands.occurrenceMark('bill-gas', '2026-11-09', { kind: 'paid', amount: null });
    await waitFor(() => expect(screen.getByRole('link', { name: '$174.17' })).toBeTruthy());
  });
});
