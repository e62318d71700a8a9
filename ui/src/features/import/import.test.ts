import { describe, expect, it } from 'vitest';
import { speak } from '$lib/i18n';
import type { ArchiveView, ImportOffer, ImportReport } from '$lib/ipc/bindings';
import { click, draw, refused, screen, waitFor, world, type World } from '$lib/test/draw';
import ImportDialog from './ImportDialog.svelte';
import ImportPage from './ImportPage.svelte';

async function offered(on: World): Promise<ImportOffer> {
  await on.desk.chooseImport();
  if (!on.desk.offer) throw new Error('nothing was offered');
  return on.desk.offer;
}

describe('the preview of a file', () => {
  it('counts what is new, known, replaced and unreadable before anything is kept', async () => {
    const on = world();
    draw(ImportDialog, on, { offer: await offered(on) });
    expect(screen.getByText('4 new, 1 replaces an older line, 2 already here')).toBeTruthy();
    expect(screen.getByText('1 line could not be read')).toBeTruthy();
    expect(screen.getByText('Line 118')).toBeTruthy();
    expect(screen.getAllByText('The same line is here already')).toHaveLength(2);
    expect(on.commands.importConfirm).not.toHaveBeenCalled();
  });

  it('signs a credit as its card does, and says what it will do, not that it did', async () => {
    const on = world();
    draw(ImportDialog, on, { offer: await offered(on) });
    expect(await screen.findByText('\u2212$310.00')).toBeTruthy();
    expect(screen.getByText('1 bill will be marked paid')).toBeTruthy();
  });

  it('lists two lines of one day that settle the same date', async () => {
    const on = world();
    const offer = await offered(on);
    const [one] = offer.report.settles;
    if (!one) throw new Error('nothing is settled');
    draw(ImportDialog, on, { offer: { ...offer, report: { ...offer.report, settles: [one, { ...one, amount: { minor: 100, currency: 'USD' } }] } } });
    expect(screen.getAllByText(/^Northfold Gas/)).toHaveLength(2);
  });

  it('signs a credit of a bank account as money that came in', async () => {
    const on = world();
    const offer = await offered(on);
    draw(ImportDialog, on, { offer: { ...offer, report: { ...offer.report, accounts: ['account-checking'] } } });
    await waitFor(() => expect(on.commands.accounts).toHaveBeenCalled());
    expect(await screen.findByText('+$310.00')).toBeTruthy();
  });

  it('says once what to do about the lines that could not be read', async () => {
    const on = world();
    const offer = await offered(on);
    const rejected = [118, 204].map((line) => ({ line, reason: 'the amount is not a number' }));
    draw(ImportDialog, on, { offer: { ...offer, report: { ...offer.report, rejected } } });
    expect(screen.getByText('2 lines could not be read')).toBeTruthy();
    expect(screen.getAllByText(/Download the file again/)).toHaveLength(1);
  });

  it('says in the language of the person why a line could not be read, and leaves words it does not know', async () => {
    speak(['de-DE']);
    const on = world();
    const offer = await offered(on);
    const reasons = ['it has no date; its amount has more than 2 decimals', 'the statement that begins here is left out with 3 lines: the file does not say in which currency its amounts are; say it when importing', 'the moon is full'];
    const rejected = reasons.map((reason, at) => ({ line: at + 1, reason }));
    draw(ImportDialog, on, { offer: { ...offer, report: { ...offer.report, rejected, warnings: ['The file holds no statement.'] } } });
    expect(screen.getByText('Zeile 1').parentElement?.textContent).toBe('Zeile 1: sie hat kein Datum; ihr Betrag hat mehr als 2 Nachkommastellen');
    expect(screen.getByText('Zeile 2').parentElement?.textContent).toMatch(/wird mit 3 Zeilen ausgelassen: die Datei sagt nicht, in welcher Währung ihre Beträge sind$/);
    expect(screen.getByText('Zeile 3').parentElement?.textContent).toBe('Zeile 3: the moon is full');
    expect(screen.getByText('Die Datei enthält keinen Auszug.')).toBeTruthy();
  });

  it('keeps the lines when the person says so, and shows the account', async () => {
    const on = world();
    const offer = await offered(on);
    draw(ImportDialog, on, { offer });
    await click('Keep 5 lines');
    await waitFor(() => expect(on.went).toEqual(['/card?account=account-card']));
    expect(on.commands.importConfirm).toHaveBeenCalledExactlyOnceWith(offer.token);
    expect(on.desk.offer).toBeNull();
    expect(on.desk.toasts.at(-1)?.text).toBe('5 lines are kept');
  });

  it('drops the file when it is discarded', async () => {
    const on = world();
    const offer = await offered(on);
    draw(ImportDialog, on, { offer });
    await click('Discard');
    expect(on.commands.importDiscard).toHaveBeenCalledWith(offer.token);
    expect(on.commands.importConfirm).not.toHaveBeenCalled();
  });

  it('has nothing to keep when every line is here already', async () => {
    const on = world();
    const offer = await offered(on);
    draw(ImportDialog, on, { offer: { ...offer, report: { ...offer.report, new: 0, replaced: 0 } } });
    expect((screen.getByRole('button', { name: 'Nothing new to keep' }) as HTMLButtonElement).disabled).toBe(true);
  });

  it('stays open and says why when keeping is refused', async () => {
    const on = world('', { importConfirm: () => refused('token_unknown') });
    draw(ImportDialog, on, { offer: await offered(on) });
    await click('Keep 5 lines');
    expect(await screen.findByText('That preview is gone.')).toBeTruthy();
    expect(on.desk.offer).not.toBeNull();
  });
});

describe('an archive of everything', () => {
  const archive: ArchiveView = {
    made_at: '2026-11-01T09:00:00Z',
    server: 'Household',
    parts: [
      { what: 'bills', new: 12, known: 0 },
      { what: 'lines', new: 340, known: 2 },
    ],
    history: 9,
    under_way: 1,
    without_biller: 0,
  };

  async function opened(on: World, report: Partial<ImportReport>): Promise<void> {
    const offer = await offered(on);
    draw(ImportDialog, on, { offer: { ...offer, report: { ...offer.report, archive, rejected: [], lines: [], settles: [], warnings: [], replaced: 0, ...report } } });
  }

  it('says what comes back, what is history, and that payments under way are not sent from here', async () => {
    const on = world();
    await opened(on, { new: 352, known: 2 });
    expect(screen.getByText('What this archive holds')).toBeTruthy();
    expect(screen.getByRole('row', { name: 'Bills 12 0' })).toBeTruthy();
    expect(screen.getByText('1 payment was still under way')).toBeTruthy();
    expect(screen.getByText(/9 records are history/)).toBeTruthy();
    expect(screen.queryByText(/without a biller/)).toBeNull();
    await click('Put it back');
    await waitFor(() => expect(on.went).toEqual(['/']));
  });

  it('has nothing to put back when all of it is here', async () => {
    await opened(world(), { new: 0, known: 354 });
    expect((screen.getByRole('button', { name: 'Nothing new to keep' }) as HTMLButtonElement).disabled).toBe(true);
  });
});

describe('what was imported before', () => {
  it('is listed with the lines that could not be read', async () => {
    const on = world();
    await offered(on);
    await on.commands.importConfirm('token');
    draw(ImportPage, on);
    expect(await screen.findByRole('heading', { name: 'Imported last' })).toBeTruthy();
    expect(screen.getByText('1 line could not be read')).toBeTruthy();
    expect(screen.getByText(/^Line 118: /)).toBeTruthy();
  });

  it('is not there before the first file', async () => {
    draw(ImportPage, world());
    await new Promise((done) => setTimeout(done, 20));
    expect(screen.queryByRole('heading', { name: 'Imported last' })).toBeNull();
  });
});

describe('a file that was not taken', () => {
  it('is explained where the shell sends the window', () => {
    draw(ImportPage, world(), { refused: 'file_damaged' });
    expect(screen.getByText('That file was not taken')).toBeTruthy();
    expect(screen.getByText(/damaged or cut off/)).toBeTruthy();
  });

  it('leads there also when it was chosen in the dialog', async () => {
    const on = world('', { importChoose: () => refused('file_empty') });
    draw(ImportPage, on);
    await click('Choose a file');
    await waitFor(() => expect(on.went).toEqual(['/import?refused=file_empty']));
  });
});
