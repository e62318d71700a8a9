import { describe, expect, it, vi } from 'vitest';
import { click, draw, fireEvent, ok, refused, screen, type, waitFor, within, world } from '$lib/test/draw';
import { en } from '$lib/i18n/en';
import { answer } from '$lib/ipc';
import type { BillsView, HolidayView } from '$lib/ipc/bindings';
import { rule, startingBills } from '$lib/ipc/sample/bills';
import { holidayText } from '$lib/state/holidays';
import BillDialog from './BillDialog.svelte';
import Bills from './Bills.svelte';
import { Marks } from './marks';

describe('adding a bill', () => {
  it('says what is missing beside each field and goes to the first of them', async () => {
    const on = world();
    draw(BillDialog, on, { bill: null });
    await click('Add bill');
    expect(await screen.findByText('Give it a name.')).toBeTruthy();
    expect(screen.getByText('Type an amount such as $42.00.')).toBeTruthy();
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Name')));
    expect(screen.getByLabelText('Name').getAttribute('aria-invalid')).toBe('true');
    expect(on.commands.billAdd).not.toHaveBeenCalled();
  });

  it('keeps what was typed when Esc is pressed once', async () => {
    const on = world();
    on.desk.typing = { bill: null };
    draw(BillDialog, on, { bill: null });
    await type('Name', 'Harbor rent');
    const esc = () => fireEvent(screen.getByRole('dialog'), new Event('cancel', { cancelable: true }));
    await esc();
    expect((await screen.findByRole('alert')).textContent).toBe('What you typed is not saved. Esc once more discards it.');
    expect(on.desk.typing).not.toBeNull();
    await esc();
    expect(on.desk.typing).toBeNull();
  });

  it('opens what is folded away when something in it is wrong', async () => {
    const on = world();
    draw(BillDialog, on, { bill: null });
    await type('Name', 'Harbor rent');
    await type('Amount', '1180');
    await type('At most', 'much');
    await click('Add bill');
    const cap = screen.getByLabelText('At most');
    await waitFor(() => expect(document.activeElement).toBe(cap));
    expect(cap.closest('details')?.open).toBe(true);
    expect(cap.getAttribute('aria-describedby')?.split(' ').map((id) => document.getElementById(id)?.textContent?.trim())).toEqual(['USD', 'Type an amount such as $120.00.']);
    expect(on.commands.billAdd).not.toHaveBeenCalled();
  });

  it('sends what was typed, exactly, and then says so', async () => {
    const on = world();
    on.desk.typing = { bill: null };
    draw(BillDialog, on, { bill: null });
    await waitFor(() => expect((screen.getByLabelText('5 days before') as HTMLInputElement).checked).toBe(true));
    await type('Name', '  Harbor rent ');
    await type('Amount', '$1,180.5');
    await type('First due date', '2026-12-31');
    await fireEvent.click(screen.getByLabelText('On the day'));
    await click('Add bill');
    await waitFor(() => expect(on.desk.typing).toBeNull());
    expect(on.commands.billAdd).toHaveBeenCalledExactlyOnceWith({
      name: 'Harbor rent',
      amount: { minor: 118050, currency: 'USD' },
      estimated: false,
      schedule: rule({ day: 31, starts_on: '2026-12-31' }),
      biller: null,
      reference: null,
      remind_days: [5, 1, 0],
      note: null,
      cap: null,
      issue_days: null,
      grace_days: 0,
      lead_days: 0,
      card: null,
    });
    expect(on.desk.toasts.at(-1)?.text).toBe('Harbor rent added');
  });

  it('finds whom it is paid to in the directory and asks for the customer number', async () => {
    const on = world();
    draw(BillDialog, on, { bill: null });
    await type('Who it is paid to', 'cobalt');
    await click(/Cobalt Ridge Power/);
    await type('Your customer number', 'CR 20');
    await type('Name', 'Power');
    await type('Amount', '94.17');
    await click('Add bill');
    await waitFor(() => expect(on.commands.billAdd).toHaveBeenCalled());
    expect(on.commands.billAdd).toHaveBeenCalledWith(expect.objectContaining({ biller: 'biller-power', reference: 'CR 20' }));
  });

  it('adds a biller of their own with how it is paid, changes it and removes it', async () => {
    const on = world();
    draw(BillDialog, on, { bill: null });
    await type('Who it is paid to', 'Harbor Row Piano');
    await click('Add a biller of your own');
    expect((screen.getByLabelText('Name of the biller') as HTMLInputElement).value).toBe('Harbor Row Piano');
    await fireEvent.click(screen.getByLabelText('cash'));
    await type('How you pay it', 'In an envelope');
    await click('Save biller');
    const wish = { name: 'Harbor Row Piano', category: '', accepts: ['cash'], how_to_pay: 'In an envelope' };
    await waitFor(() => expect(on.commands.billerPut).toHaveBeenCalledExactlyOnceWith(null, wish));
    expect(await screen.findByText('Yours. Not payable here: reminders only. Takes cash.')).toBeTruthy();
    expect(screen.getByText('In an envelope')).toBeTruthy();
    await type('Name', 'Lessons');
    await type('Amount', '60');
    await click('Change');
    await click('Remove biller');
    expect(await screen.findByText('It goes on all your devices. Its bills stay, without a biller.')).toBeTruthy();
    await click('Remove biller');
    await waitFor(() => expect(on.commands.billerRemove).toHaveBeenCalled());
    await click('Add bill');
    await waitFor(() => expect(on.commands.billAdd).toHaveBeenCalledWith(expect.objectContaining({ name: 'Lessons', biller: null })));
  });

  it('says that an own biller needs a name', async () => {
    const on = world();
    draw(BillDialog, on, { bill: null });
    await click('Add a biller of your own');
    await click('Save biller');
    expect(await screen.findByText('Give it a name.')).toBeTruthy();
    expect(on.commands.billerPut).not.toHaveBeenCalled();
  });

  it('keeps what was typed when it is refused, and says why', async () => {
    const on = world('', { billAdd: () => refused('disk_full') });
    on.desk.typing = { bill: null };
    draw(BillDialog, on, { bill: null });
    await type('Name', 'Rent');
    await type('Amount', '10');
    await click('Add bill');
    expect(await screen.findByText('The disk is full.')).toBeTruthy();
    expect((screen.getByLabelText('Name') as HTMLInputElement).value).toBe('Rent');
    expect(on.desk.typing).not.toBeNull();
  });

  it('keeps a new bill with its card in one step, so that trying again adds no second one', async () => {
    const on = world();
    draw(BillDialog, on, { bill: null });
    await type('Name', 'Card');
    await type('Amount', '80');
    await fireEvent.change(await screen.findByLabelText('Payment of a linked card'), { target: { value: 'account-card' } });
    await click('Add bill');
    await waitFor(() => expect(on.commands.billAdd).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ name: 'Card', card: 'account-card' })));
    expect(on.commands.billEdit).not.toHaveBeenCalled();
  });
});

describe('changing a bill', () => {
  const fiber = { bill: 'bill-fiber', due: '2026-11-20' };

  it('opens the form on the date that was chosen, with what it costs there', async () => {
    const on = world();
    draw(Bills, on, fiber);
    await click('More for the chosen Lanternline Fiber');
    await click('Edit bill', 'menuitem');
    expect(on.desk.typing).toMatchObject({ dueOn: '2026-11-20', amount: { minor: 5999, currency: 'USD' } });
  });

  it('asks which dates a change is for, and says so to the core', async () => {
    const on = world();
    const bill = startingBills().find((one) => one.id === 'bill-fiber')!;
    draw(BillDialog, on, { bill, amount: bill.amount, dueOn: '2026-11-20' });
    await fireEvent.click(await screen.findByLabelText('Fri, Nov 20 and later'));
    await type('Amount', '61');
    await click('Save bill');
    await waitFor(() => expect(on.commands.billEdit).toHaveBeenCalled());
    expect(on.commands.billEdit).toHaveBeenCalledWith(
      bill,
      expect.objectContaining({ amount: { minor: 6100, currency: 'USD' }, steps: bill.steps }),
      { kind: 'from', due_on: '2026-11-20' },
    );
  });

  it('changes one date alone: only what differs is marked, and it is taken back from the toast', async () => {
    const on = world();
    const bill = startingBills().find((one) => one.id === 'bill-auto')!;
    const bills = (await on.ipc.commands.bills()) as { data: BillsView };
    const one = bills.data.occurrences.find((each) => each.bill === 'bill-auto' && each.due_on === '2026-11-22')!;
    on.desk.typing = { bill };
    draw(BillDialog, on, { bill, amount: bill.amount, dueOn: '2026-11-22', one });
    await fireEvent.click(await screen.findByLabelText('Only Sun, Nov 22'));
    expect(screen.queryByLabelText('Name')).toBeNull();
    await type('Amount', 'twelve');
    await click('Save this date');
    expect(await screen.findByText('Type an amount such as $42.00.')).toBeTruthy();
    expect(on.commands.occurrenceMark).not.toHaveBeenCalled();
    await type('Amount', '120.50');
    await click('Save this date');
    await waitFor(() => expect(on.desk.typing).toBeNull());
    expect(on.commands.occurrenceMark).toHaveBeenCalledExactlyOnceWith('bill-auto', '2026-11-22', { kind: 'amount', amount: { minor: 12050, currency: 'USD' } });
    expect(on.commands.billEdit).not.toHaveBeenCalled();
    on.desk.toasts.at(-1)?.undo?.();
    await waitFor(() => expect(on.desk.toasts.at(-1)?.text).toBe('Kestrel Auto Insurance stands as before'));
    expect(on.commands.occurrenceUndo).toHaveBeenCalledExactlyOnceWith('bill-auto', '2026-11-22', expect.stringContaining('change-'));
  });

  it('moves one date, and takes it back from the toast', async () => {
    const on = world();
    draw(Bills, on, { bill: 'bill-auto', due: '2026-11-22' });
    await click('More for the chosen Kestrel Auto Insurance');
    await click('Move this date', 'menuitem');
    await type('Due on', '2026-11-24');
    await click('Move it');
    await waitFor(() => expect(on.commands.occurrenceMark).toHaveBeenCalledWith('bill-auto', '2026-11-22', { kind: 'moved', to: '2026-11-24' }));
    on.desk.toasts.at(-1)?.undo?.();
    await waitFor(() => expect(on.commands.occurrenceUndo).toHaveBeenCalledExactlyOnceWith('bill-auto', '2026-11-22', expect.stringContaining('change-')));
  });

  it('takes back both words about one date, and leaves one that had been said before', async () => {
    const on = world();
    const all = await answer(on.ipc.commands.bills());
    const one = all.occurrences.find(({ bill }) => bill === 'bill-auto');
    if (!one) throw new Error('no due date');
    const marks = new Marks(on.desk);
    await marks.move(one, '2026-11-24');
    const moved = await answer(on.ipc.commands.bills());
    await marks.skip({ ...one, falls_on: '2026-11-24' });
    on.desk.toasts.at(-1)?.undo?.();
    await waitFor(() => expect(on.desk.toasts.at(-1)?.text).toBe('Kestrel Auto Insurance stands as before'));
    expect(await answer(on.ipc.commands.bills())).toEqual(moved);
    await marks.only({ ...one, falls_on: '2026-11-24' }, { minor: 100, currency: 'USD' }, '2026-11-25');
    on.desk.toasts.at(-1)?.undo?.();
    await waitFor(async () => expect(await answer(on.ipc.commands.bills())).toEqual(moved));
    expect(on.commands.occurrenceMark).not.toHaveBeenCalledWith('bill-auto', one.due_on, { kind: 'unmarked' });
  });

  it('says so when another device has said something else meanwhile', async () => {
    const on = world('', { occurrenceUndo: async () => ({ status: 'ok', data: { whole: false, all_by: null } }) });
    const all = await answer(on.ipc.commands.bills());
    const one = all.occurrences.find(({ bill }) => bill === 'bill-auto');
    if (!one) throw new Error('no due date');
    await new Marks(on.desk).skip(one);
    on.desk.toasts.at(-1)?.undo?.();
    await waitFor(() => expect(on.desk.toasts.at(-1)?.text).toMatch(/another device/));
  });

  it('pauses a bill until it goes on', async () => {
    const on = world();
    draw(Bills, on, fiber);
    await click('More for the chosen Lanternline Fiber');
    await click('Pause bill', 'menuitem');
    await fireEvent.click((await screen.findAllByRole('button', { name: 'Pause bill' })).at(-1)!);
    await waitFor(() => expect(on.commands.billPause).toHaveBeenCalledWith('bill-fiber', '2026-11-12', null));
    on.desk.toasts.at(-1)?.undo?.();
    await waitFor(() => expect(on.commands.billResume).toHaveBeenCalledWith('bill-fiber'));
  });
});

describe('a bill that is typed before everything was read', () => {
  it('keeps its biller', async () => {
    const on = world();
    const all = await answer(on.ipc.commands.bills());
    const bill = all.bills.find((one) => one.bill.biller)?.bill;
    if (!bill) throw new Error('no biller');
    on.desk.commands.bills = () => new Promise(() => {});
    draw(BillDialog, on, { bill });
    await click('Save bill');
    await waitFor(() => expect(on.commands.billEdit).toHaveBeenCalledWith(bill, expect.objectContaining({ biller: bill.biller }), { kind: 'all' }));
  });

  it('keeps the reminders that were touched', async () => {
    const on = world();
    const settings = await answer(on.ipc.commands.settings());
    let told = () => {};
    on.desk.commands.settings = () => new Promise((resolve) => (told = () => resolve({ status: 'ok', data: settings })));
    draw(BillDialog, on, { bill: null });
    await click('7 days before', 'checkbox');
    told();
    await type('Name', 'Harbor parking');
    await type('Amount', '30');
    await click('Add bill');
    await waitFor(() => expect(on.commands.billAdd).toHaveBeenCalledWith(expect.objectContaining({ remind_days: [7] })));
  });
});

describe('the list of bills', () => {
  it('keeps the focus on the row that a letter moved to another group', async () => {
    const on = world();
    draw(Bills, on);
    const row = await screen.findByRole('button', { name: 'Northfold Gas' });
    row.focus();
    await fireEvent.keyDown(row, { key: 'm' });
    await waitFor(() => expect(row.isConnected).toBe(false));
    await waitFor(() => expect(document.activeElement?.closest('[data-row]')?.getAttribute('data-row')).toBe('bill-gas 2026-11-09'));
  });

  it('goes on at the neighbour of a row that leaves the list', async () => {
    const on = world();
    draw(Bills, on);
    await click(/^Needs you/);
    const row = await screen.findByRole('button', { name: 'Northfold Gas' });
    row.focus();
    await fireEvent.keyDown(row, { key: 'm' });
    await waitFor(() => expect(row.isConnected).toBe(false));
    await waitFor(() => expect((document.activeElement as HTMLElement).matches('[data-row] .row-button')).toBe(true));
  });

  it('marks a bill paid by a letter in its row, and takes it back from the toast', async () => {
    const on = world();
    draw(Bills, on);
    const row = await screen.findByRole('button', { name: 'Northfold Gas' });
    await fireEvent.keyDown(row, { key: 'm' });
    await waitFor(() => expect(on.desk.toasts).toHaveLength(1));
    expect(on.commands.occurrenceMark).toHaveBeenCalledWith('bill-gas', '2026-11-09', { kind: 'paid', amount: null });
    on.desk.toasts[0]?.undo?.();
    await waitFor(() => expect(on.commands.occurrenceUndo).toHaveBeenCalledWith('bill-gas', '2026-11-09', expect.stringContaining('change-')));
  });

  it('moves between rows with the arrows, and pays from one', async () => {
    const on = world();
    draw(Bills, on);
    const first = await screen.findByRole('button', { name: 'Northfold Gas' });
    first.focus();
    await fireEvent.keyDown(first, { key: 'ArrowDown' });
    expect(document.activeElement?.textContent).toBe('Brightwater car loan');
    await fireEvent.keyDown(first, { key: 'p' });
    expect(on.desk.paying).toEqual({ bill: 'bill-gas', dueOn: '2026-11-09' });
  });

  it('leaves the letters alone when they are switched off', async () => {
    localStorage.setItem('billfold.letters', 'off');
    const on = world();
    draw(Bills, on);
    await fireEvent.keyDown(await screen.findByRole('button', { name: 'Northfold Gas' }), { key: 'm' });
    expect(on.commands.occurrenceMark).not.toHaveBeenCalled();
  });

  it('opens the rest under the dots, moves in it by arrows and comes back to the dots', async () => {
    draw(Bills, world());
    const dots = await screen.findByRole('button', { name: 'More for Northfold Gas' });
    await fireEvent.click(dots);
    const menu = await screen.findByRole('menu');
    const items = within(menu).getAllByRole('menuitem');
    await waitFor(() => expect(document.activeElement).toBe(items[0]));
    await fireEvent.keyDown(menu, { key: 'ArrowUp' });
    expect(document.activeElement).toBe(items.at(-1));
    await fireEvent.keyDown(items.at(-1) as HTMLElement, { key: 'ArrowDown' });
    expect(document.activeElement, 'the row around it stays').toBe(items[0]);
    await fireEvent.keyDown(menu, { key: 'Escape' });
    expect(screen.queryByRole('menu')).toBeNull();
    expect(document.activeElement).toBe(dots);
  });

  it('asks before it removes a bill', async () => {
    const on = world();
    draw(Bills, on, { bill: 'bill-tv' });
    await click('More for the chosen Paperkite TV');
    await click('Remove bill', 'menuitem');
    expect(on.commands.billRemove).not.toHaveBeenCalled();
    await click('Remove bill');
    await waitFor(() => expect(on.commands.billRemove).toHaveBeenCalledWith('bill-tv'));
  });

  it('says what still leaves for a bill that is removed, until it is cancelled', async () => {
    const on = world();
    const all = await answer(on.commands.payments());
    const ordered = { ...all[0]!, bill: 'bill-tv', due_on: '2026-11-20', sends_on: '2026-11-19', to: 'Paperkite TV', can_cancel: true, autopay: false };
    on.commands.payments = () => ok([ordered, { ...ordered, id: 'payment-auto', autopay: true }]);
    draw(Bills, on, { bill: 'bill-tv' });
    await click('More for the chosen Paperkite TV');
    await click('Remove bill', 'menuitem');
    await click('Remove bill');
    await waitFor(() => expect(on.desk.toasts.filter((toast) => toast.warns).length).toBe(1));
    const [toast] = on.desk.toasts.filter((one) => one.warns);
    expect(toast?.text).toMatch(/to Paperkite TV still leaves on/);
    toast?.warns?.act();
    await waitFor(() => expect(on.commands.paymentCancel).toHaveBeenCalledExactlyOnceWith(ordered.id));
  });

  it('hatches bank holidays in the month and names them, for the ear and for the eye', async () => {
    draw(Bills, world());
    const month = await screen.findByRole('table', { name: /^November 2026: .*bank holidays$/ });
    const hatched = [...month.querySelectorAll('td.holiday')].map((cell) => cell.textContent?.replace(/\s+/g, ' ').trim());
    expect(hatched).toEqual(['11 bank holiday, Veterans Day', '26 bank holiday, Thanksgiving Day']);
    expect(within(screen.getByRole('list', { name: 'Marks' })).getByText('Bank holiday')).toBeTruthy();
    expect(screen.getByRole('list', { name: 'Bank holidays of this month' }).textContent).toBe('Nov\u00a011 Veterans DayNov\u00a026 Thanksgiving Day');
    await click('Next month');
    expect(screen.getByRole('list', { name: 'Bank holidays of this month' }).textContent).toBe('Dec\u00a025 Christmas Day');
  });

  it('says whose banks are closed where the bills follow several calendars', () => {
    const us: HolidayView = { on: '2026-12-25', name: 'Christmas Day', calendars: ['federal_reserve', 'england_wales'] };
    const uk: HolidayView = { on: '2026-12-28', name: 'Boxing Day (substitute)', calendars: ['england_wales'] };
    expect(holidayText([us], [us, uk], en)).toBe('Christmas Day (Federal Reserve (United States) and England and Wales)');
    expect(holidayText([uk], [uk], en)).toBe('Boxing Day (substitute)');
  });

  it('shows each payment of the chosen date with its day and state', async () => {
    draw(Bills, world(), { bill: 'bill-dental', due: '2026-11-25' });
    const payment = await screen.findByRole('link', { name: '$100.00 on Tue, Nov\u00a010' });
    expect(payment.getAttribute('href')).toBe('/payments?payment=payment-dental');
    expect(payment.closest('li')?.textContent).toContain('Sent');
  });

  it('brings what was chosen into view where it would be out of sight, and leaves the page alone elsewhere', async () => {
    const scrolled = vi.spyOn(Element.prototype, 'scrollIntoView');
    const press = async (name: string) => fireEvent.click((await screen.findAllByRole('button', { name }))[0]!);
    draw(Bills, world());
    await press('Kestrel Auto Insurance');
    expect(scrolled).not.toHaveBeenCalled();
    vi.spyOn(Element.prototype, 'getBoundingClientRect').mockReturnValue(new DOMRect(0, window.innerHeight + 1, 300, 400));
    await press('Millbrook Water');
    await waitFor(() => expect(scrolled).toHaveBeenCalledExactlyOnceWith({ block: 'nearest' }));
    expect(scrolled.mock.instances[0]).toBe((await screen.findByRole('heading', { name: 'Millbrook Water' })).closest('section'));
  });

  it('says of a date out of reach that it is due later, and counts it', async () => {
    const on = world();
    const all = await on.ipc.commands.bills();
    if (all.status !== 'ok') throw new Error('no bills');
    const water = all.data.bills.find((view) => view.bill.id === 'bill-water')!;
    const far = { ...water, bill: { ...water.bill, id: 'bill-tax', name: 'Harbor tax' }, amount: { minor: 50000, currency: 'USD' }, next_due_on: '2027-06-15' };
    on.desk.commands.bills = () => ok({ ...all.data, bills: [far], occurrences: [] });
    draw(Bills, on);
    const row = (await screen.findByRole('rowheader', { name: /Harbor tax/ })).closest('tr') as HTMLElement;
    expect(within(row).getByText('Due later')).toBeTruthy();
    expect(screen.getByText('Further ahead').closest('tr')?.textContent).toContain('$500.00');
  });

  it('pays a card of the server as a card is paid, and calls it served', async () => {
    const on = world('?world=served');
    draw(Bills, on, { bill: 'bill-card' });
    expect(await screen.findByText('The payment of a card of this server.')).toBeTruthy();
    await click('Pay the card');
    expect(on.desk.payingCard).toMatchObject({ id: 'account-card' });
    on.desk.payingCard = null;
    await fireEvent.keyDown(screen.getByRole('button', { name: 'Quillmere Card', current: true }), { key: 'p' });
    expect(on.desk.payingCard, 'by its letter, too').toMatchObject({ id: 'account-card' });
  });

  it('asks for the first one when there is none', async () => {
    draw(Bills, world('?world=empty'));
    expect(await screen.findByText('No bills yet')).toBeTruthy();
    expect(screen.queryByRole('table')).toBeNull();
  });

  it('points out a rise with its evidence, and takes it as the new price', async () => {
    const on = world();
    draw(Bills, on, { bill: 'bill-power', due: '2026-11-16' });
    expect(await screen.findByText('$17.40 more than usual, 22% up')).toBeTruthy();
    expect(screen.getByText(/\$78\.12 \(Oct 16\), \$76\.77 \(Sep 16\)/)).toBeTruthy();
    expect(screen.getByText('$17.40 above usual')).toBeTruthy();
    await click('This is the new price');
    await waitFor(() => expect(screen.queryByText('$17.40 more than usual, 22% up')).toBeNull());
    expect(on.commands.billEdit).toHaveBeenCalledWith(expect.objectContaining({ id: 'bill-power' }), expect.objectContaining({ id: 'bill-power', amount: { minor: 9417, currency: 'USD' } }), { kind: 'from', due_on: '2026-11-16' });
  });

  it('says what an estimated bill usually costs', async () => {
    draw(Bills, world(), { bill: 'bill-water' });
    expect(await screen.findByText(/Between \$54\.20 and \$70\.10 in the last 7 dates, usually/)).toBeTruthy();
  });
});
