// What the palette offers: commands on what is in view first, then places, then whatever the words find.
import type { IconName } from '$lib/components/icons';
import { formatMonth, formatMoney, formatShortDay, negate } from '$lib/format';
import { getMessages } from '$lib/i18n';
import { answer } from '$lib/ipc';
import type { CardView, HomeView, OccurrenceView, SearchHit } from '$lib/ipc/bindings';
import { accountLabel } from '$lib/state/account';
import type { Desk } from '$lib/state/desk.svelte';
import { accountPath, billPath, orderPath, paymentPath, places, statementPath } from '$lib/state/places';
import type { View } from '$lib/state/view.svelte';
import { controlKey } from './keys';

const REST_MS = 120;
const OFFERED_MAX = 24;

export type Offer = { key: string; icon: IconName; text: string; end: string; act: () => void };

/** Without case and accents, as everything else is searched. */
const fold = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();

export class Finder {
  text = $state('');
  hits = $state.raw<SearchHit[]>([]);
  /** The last search did not come to an end: that nothing was found is not known. */
  failed = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #messages = getMessages();

  constructor(
    readonly desk: Desk,
    readonly home: View<HomeView>,
  ) {}

  /** Asks once the typing rests. A search that failed is said; the commands still work. */
  typed(text: string): void {
    this.text = text;
    clearTimeout(this.#timer);
    const wanted = text.trim();
    if (wanted === '') {
      this.hits = [];
      this.failed = false;
      return;
    }
    this.#timer = setTimeout(async () => {
      try {
        const found = await answer(this.desk.commands.search(wanted));
        if (wanted !== this.text.trim()) return;
        this.hits = found.hits;
        this.failed = false;
      } catch {
        if (wanted !== this.text.trim()) return;
        this.hits = [];
        this.failed = true;
      }
    }, REST_MS);
  }

  offers: Offer[] = $derived.by(() => {
    const words = fold(this.text).split(/\s+/).filter(Boolean);
    const matching = this.#commands().filter((offer) => words.every((word) => fold(offer.text).includes(word)));
    return [...matching, ...this.hits.map((hit) => this.#found(hit))].slice(0, OFFERED_MAX);
  });

  #commands(): Offer[] {
    const { desk } = this;
    const { app, bills, palette, keys } = this.#messages;
    const control = controlKey();
    const payable = (this.home.data?.needs_you ?? []).filter((one) => one.payable && one.left.minor > 0);
    const command = (key: string, icon: IconName, text: string, end: string, act: () => void): Offer => ({ key, icon, text, end, act });
    return [
      ...payable.map((one) => this.#pay(one)),
      ...(this.home.data?.cards ?? []).filter(({ account }) => account.card).map((card) => this.#payCard(card)),
      command('add', 'plus', bills.add, `${control} N`, () => (desk.typing = { bill: null })),
      command('import', 'upload', app.import, `${control} O`, () => void desk.chooseImport()),
      command('sync', 'sync', palette.sync, `${control} R`, () => void desk.syncNow()),
      command('freeze', 'frozen', keys.freeze, `${control} Shift F`, () => (desk.freezing = true)),
      command('lock', 'lock', app.lock, `${control} L`, () => void desk.lock()),
      ...places.map((place, at) => command(place.path, place.icon, app[place.name], `${control} ${at + 1}`, () => desk.go(place.path))),
      command('keys', 'info', keys.title, 'F1', () => (desk.keys = true)),
      command('close', 'down', keys.toTray, `${control} W`, () => void desk.commands.windowClose()),
      command('quit', 'close', keys.quit, `${control} Q`, () => void desk.commands.quit()),
    ];
  }

  #pay(one: OccurrenceView): Offer {
    const text = this.#messages.payments.pay.title(one.name);
    const end = formatMoney(one.left, { estimated: one.estimated });
    return { key: `pay ${one.bill} ${one.due_on}`, icon: 'payments', text, end, act: () => this.desk.pay(one.bill, one.due_on) };
  }

  #payCard({ account, figures }: CardView): Offer {
    const text = this.#messages.payments.pay.title(accountLabel(account, this.#messages));
    const end = figures.minimum_due ? formatMoney(figures.minimum_due) : '';
    return { key: `pay ${account.id}`, icon: 'card', text, end, act: () => (this.desk.payingCard = account) };
  }

  #found(hit: SearchHit): Offer {
    const { go } = this.desk;
    const { palette } = this.#messages;
    switch (hit.kind) {
      case 'bill':
        return { key: hit.id, icon: 'bills', text: palette.openBill(hit.name), end: formatMoney(hit.amount), act: () => go(billPath(hit.id)) };
      case 'payment':
        return { key: hit.id, icon: 'payments', text: this.#messages.payments.open(hit.to), end: formatMoney(hit.amount), act: () => go(paymentPath(hit.id)) };
      case 'statement': {
        const text = palette.openStatement(hit.name, formatMonth(hit.closed_on));
        const end = formatMoney(hit.card ? negate(hit.closing) : hit.closing);
        return { key: `${hit.account} ${hit.closed_on}`, icon: 'statements', text, end, act: () => go(statementPath(hit.account, hit.closed_on)) };
      }
      case 'order':
        return { key: hit.id, icon: 'orders', text: palette.openOrder(hit.merchant, hit.number), end: formatMoney(hit.total), act: () => go(orderPath(hit.id)) };
      case 'transaction': {
        const text = `${hit.description}, ${formatShortDay(hit.on)}`;
        return { key: hit.id, icon: 'card', text, end: formatMoney(hit.amount), act: () => go(accountPath(hit.account)) };
      }
    }
  }
}
