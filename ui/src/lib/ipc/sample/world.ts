// The whole invented world in memory: Ines Calloway's money on 12 November 2026.
import type { Account, AddressesView, BillerView, BillView, CalendarFeedOnView, DeviceView, EmailRemindersOnView, EmailRemindersView, HolidayView, HomeView, ImportOffer, Income, LimitsView, MarkAs, OrderView, PasskeyView, PastImport, PayBill, PaymentDraft, PaymentView, PlanWishes, Purchase, ReadinessView, RecoveryView, RemindersView, RewardsView, RhythmView, RiskView, SecurityEvent, SecurityView, Settings, StatusView, SuggestionView, SupportCaseView, SupportSightView, WalletMoved, WalletView, WaysInView, NextReminderView, ReminderTestView, SilentView, MethodView, AutopayView, Dispute } from '../bindings';
import { sumByCurrency } from '$lib/format';
import { isKept, isUnderWay, owedNow } from '$lib/state/standing';
import { crowded } from './crowd';
import { card, cardView, checking, servedCard, startingPurchases, transactions, startingDisputes } from './accounts';
import { archiveReport } from './archive';
import { billers, startingBills, TODAY, usd } from './bills';
import { amountOn, bandOf, datesOfBill, isPayable, markKey, occurrence, occurrences, riseOf, shifted, type Book } from './book';
import { startingOrders } from './orders';
import { cardAutopay, startingAutopays } from './autopay';
import { startingMethods } from './methods';
import { startingRewards } from './rewards';
import { reloadingMoves, reloadingWallets, startingMoves, startingWallets } from './wallets';
import { paidByWord, readiness, startingPayments, stoppedPayments } from './payments';
import { startingRefusals } from './refusals';
import { startingIncomes } from './plan';
import { startingSuggestions } from './suggestions';
import { startingCases, startingDecisions, startingEvents, unusualPayment } from './security';

const SOON = 7;
const federalReserve: Record<string, string> = { '2026-10-12': 'Columbus Day', '2026-11-11': 'Veterans Day', '2026-11-26': 'Thanksgiving Day', '2026-12-25': 'Christmas Day', '2027-01-01': 'New Year’s Day', '2027-01-18': 'Martin Luther King Jr. Day' };

export class World {
  empty: boolean;
  accounts: Account[];
  purchases: Purchase[];
  orders: OrderView[];
  book: Book;
  status: StatusView;
  settings: Settings = { lock_after_minutes: 5, theme: 'system', remind_at: '09:00', quiet: { from: '22:00', until: '07:00' }, again_while_unpaid: true, tell_of_payments: true, remind_days: [5, 1], details_in_notifications: false, start_hidden_at_sign_in: true };
  timer = true;
  tested: ReminderTestView | null = null;
  emailOn: EmailRemindersOnView | null = null;
  calendarFeed: CalendarFeedOnView | null = null;
  devices: DeviceView[] = [
    { id: 'device-1', name: 'Alder, desk', last_seen_at: '2026-11-12T14:41:00Z', this_one: true, place: { country: 'US', city: 'Boston' } },
    { id: 'device-2', name: 'Travel laptop', last_seen_at: '2026-11-09T22:05:00Z', this_one: false, place: { country: 'US', city: 'Boston' } },
    { id: 'device-3', name: 'Fedora laptop', last_seen_at: '2026-11-12T08:12:00Z', this_one: false, place: { country: 'PT', city: 'Lisbon' } },
  ];
  passkeys: Omit<PasskeyView, 'last'>[] = [
    { id: 'passkey-1', name: 'Desk keyring', created_at: '2026-03-02T09:00:00Z', last_used_at: '2026-11-12T14:38:00Z', synced: true },
    { id: 'passkey-2', name: 'Blue security key', created_at: '2026-03-02T09:04:00Z', last_used_at: '2026-10-30T23:41:00Z', synced: false },
  ];
  addresses: AddressesView = {
    items: [
      { id: 'address-1', kind: 'email', value: 'ines@example.org', state: { state: 'confirmed' }, added_at: '2026-03-02T09:10:00Z' },
      { id: 'address-2', kind: 'phone', value: '+15550107788', state: { state: 'unconfirmed' }, added_at: '2026-11-12T14:30:00Z' },
    ],
    sends_email: true,
    sends_texts: true,
  };
  recovery: RecoveryView = { state: { state: 'none' }, begun_here: false, code_made_at: '2026-03-02T09:12:00Z', code_spent: false, email: 'i•••@example.org', phone: '••• 788' };
  ways: WaysInView = {
    password: { name: 'Ines-Calloway-48271', state: 'off_beside_passkeys', kept: false, changed_at: '2026-03-02T09:06:00Z', last_used_at: null, last: false },
    factors: [{ id: 'factor-1', kind: 'totp', name: 'Phone', created_at: '2026-03-02T09:06:00Z', last_used_at: null, last: false }],
    codes_to: [{ kind: 'email', to: 'ines@example.org' }],
  };
  rhythm: RhythmView = { on: false, known: 0, needed: 6 };
  events: SecurityEvent[] = startingEvents();
  #made = 0;
  /** What the server asks of whoever pays. */
  ready: ReadinessView = readiness();
  limits: LimitsView[] = [{ currency: 'USD', limits: { payment_minor: 50000, day_minor: 100000 }, usual: { payment_minor: 50000, day_minor: 100000 }, next: null }];
  methods: MethodView[] = [];
  autopays: AutopayView[] = [];
  rewards: RewardsView[] = [];
  wallets: WalletView[] = [];
  walletMoves: WalletMoved[] = [];
  imports: PastImport[] = [];
  disputes: Dispute[] = [];
  /** What was said about due dates, for who takes it back. */
  said: { made: string; key: string; before: MarkAs | undefined }[] = [];
  draft: PaymentDraft | null = null;
  /** Payments wait for a passkey. */
  #asks = false;
  /** The file that is chosen is an archive of everything. */
  #archive = false;

  mark(key: string, as: MarkAs | undefined): void {
    if (as === undefined) this.book.marks.delete(key);
    else this.book.marks.set(key, as);
  }

  constructor(kind: string) {
    this.empty = kind === 'empty';
    this.incomes = this.empty || kind === 'no-pay' ? [] : startingIncomes();
    this.suggestions = this.empty ? [] : startingSuggestions();
    this.methods = this.empty ? [] : startingMethods();
    this.disputes = kind === 'served' ? startingDisputes() : [];
    this.autopays = this.empty ? [] : [...startingAutopays(), ...(kind === 'served' ? [cardAutopay] : [])];
    if (kind === 'short') this.wishes = { ...this.wishes, keep: usd(60000) };
    const held = kind === 'served' ? servedCard('active') : kind === 'frozen' ? servedCard('frozen') : { ...card };
    this.accounts = this.empty ? [] : [held, { ...checking }];
    this.purchases = held.card ? startingPurchases() : [];
    this.orders = held.card ? startingOrders() : [];
    this.rewards = held.card ? startingRewards() : [];
    this.wallets = held.card ? (kind === 'frozen' ? reloadingWallets() : startingWallets()) : [];
    this.walletMoves = held.card ? (kind === 'frozen' ? reloadingMoves() : startingMoves()) : [];
    const marks = new Map<string, MarkAs>(paidByWord.map(([bill, day]) => [markKey(bill, day), { kind: 'paid', amount: null }]));
    marks.set(markKey('bill-gym', '2026-11-17'), { kind: 'skipped' });
    this.book = this.empty ? { bills: [], marks: new Map(), payments: [] } : { bills: startingBills(), marks, payments: startingPayments() };
    if (kind === 'frozen') this.book.issued = 'bill-card';
    const phase = kind === 'welcome' ? 'welcome' : ['locked', 'passphrase', 'pin', 'keyring-gone', 'no-keyring', 'unheard'].includes(kind) ? 'locked' : 'ready';
    this.status = {
      phase,
      name: phase === 'ready' ? 'Ines Calloway' : null,
      place: ['server', 'unheard', 'not-mine', 'signed-out'].includes(kind) ? { kind: 'server', url: 'https://accounts.alder-lane.example', name: 'Alder Lane Household' } : { kind: 'this_computer' },
      signed_in: kind !== 'signed-out',
      locked: phase === 'locked',
      locked_because: phase === 'locked' ? (kind === 'locked' ? { why: 'idle', minutes: 5 } : { why: 'started' }) : null,
      trouble: kind === 'keyring-gone' ? 'keyring_item_missing' : kind === 'no-keyring' ? 'keyring_absent' : kind === 'unheard' ? 'contact_needed' : null,
      protected_by: kind === 'passphrase' ? 'passphrase' : kind === 'pin' ? 'keyring_and_passphrase' : kind === 'not-mine' ? 'memory' : 'keyring',
      online: kind !== 'offline',
      synced_at: '2026-11-12T14:41:00Z',
      waiting: 0,
      refused: kind === 'refused' ? startingRefusals() : [],
      practice_money: kind === 'practice',
      needs_you: 0,
      urge_second_passkey: kind === 'one-passkey',
      recovery_key_unnoted: kind === 'not-noted',
      overdue: 0,
      standing: { restraint: null },
      version: '0.1.0',
    };
    if (kind === 'crowded') crowded(this);
    if (kind === 'not-ready') this.ready = readiness(['accepted_terms', 'confirmed_email']);
    this.#asks = kind === 'passkey-asked';
    this.#archive = kind === 'archive';
    if (this.#asks) this.book.payments = [...stoppedPayments(), ...startingPayments().slice(1)];
    if (kind === 'account-locked') this.lockAccount();
    if (kind === 'offline') this.pay({ bill: 'bill-gas', due_on: '2026-11-09', biller: null, amount: usd(5832), send_on: null, duplicate_meant: false });
  }

  security(): SecurityView {
    const answered = (number: number) => this.events.some((event) => event.about === number);
    const questions = this.events.filter((event) => event.kind === 'device_added' && event.number > 4 && !answered(event.number));
    return { events: this.events.toReversed(), questions, broken_at: null };
  }

  risk(): RiskView {
    const said = (number: number | null) => this.events.find((event) => event.about === number)?.kind;
    const mine = (number: number | null) => (number === null || !said(number) ? null : said(number) === 'confirmed_as_mine');
    const all = this.#asks ? [unusualPayment, ...startingDecisions] : startingDecisions;
    return { decisions: all.map((one) => ({ ...one, mine: mine(one.event) })), places_known: true };
  }

  incomes: Income[] = [];
  ownBillers: BillerView[] = [];
  suggestions: SuggestionView[] = [];
  wishes: PlanWishes = { account: null, keep: null, pace: 'after_pay' };

  sights: SupportSightView[] = [];
  supportCase: SupportCaseView[] = startingCases();

  answerAbout(number: number, mine: boolean): void {
    const about = this.events.find((event) => event.number === number);
    this.events.push({ ...startingEvents()[0]!, number: this.events.length + 1, at: '2026-11-12T14:45:00Z', kind: mine ? 'confirmed_as_mine' : 'reported_as_not_mine', name: about?.name ?? null, device: about?.device ?? null, about: number });
    if (!mine) this.devices = this.devices.filter((device) => device.id !== about?.device);
  }

  lockAccount(): void {
    this.status.standing = { restraint: { level: 'locked', reason: 'own_wish', since: '2026-11-12T14:45:00Z', until: null } };
    this.events.push({ ...startingEvents()[0]!, number: this.events.length + 1, at: '2026-11-12T14:45:00Z', kind: 'account_locked', name: 'own_wish' });
  }

  nextId(): string {
    this.#made += 1;
    return String(this.#made);
  }

  /** The status with what follows from the book. */
  statusNow(): StatusView {
    const open = this.needsYou();
    const waiting = this.book.payments.filter((payment) => payment.state === 'not_sent').length;
    return { ...this.status, needs_you: open.length, overdue: open.filter((one) => one.days < 0).length, waiting };
  }

  needsYou() {
    return occurrences(this.book).filter((one) => (one.left.minor > 0 || isKept(one)) && one.days <= SOON);
  }

  home(): HomeView {
    const all = occurrences(this.book);
    const needs = this.needsYou();
    const onTheWay = all.filter((one) => one.days <= SOON && isUnderWay(one));
    const shown = all.filter((one) => one.days < 30 && (one.days >= 0 || one.left.minor > 0 || isKept(one)));
    const counted = shown.filter((one) => one.state !== 'skipped');
    return {
      today: TODAY,
      needs_you: needs,
      needs_you_total: sumByCurrency(needs.map(owedNow)),
      needs_you_by: shifted(TODAY, SOON),
      on_their_way: onTheWay.length,
      on_their_way_total: sumByCurrency(onTheWay.map((one) => one.amount)),
      pending: this.book.payments.filter((payment) => ['submitted', 'not_sent', 'unknown'].includes(payment.state)),
      changed: this.book.payments.filter((payment) => ['returned', 'settled', 'refused', 'cancelled'].includes(payment.state)),
      timeline: Array.from({ length: 30 }, (_, at) => {
        const on = shifted(TODAY, at);
        const weekday = new Date(on).getUTCDay();
        const items = shown.filter((one) => one.falls_on === on || (at === 0 && one.days < 0));
        return { on, weekend: weekday === 0 || weekday === 6, holidays: this.holidays().filter((one) => one.on === on), items };
      }),
      timeline_total: sumByCurrency(counted.map(owedNow)),
      timeline_count: counted.length,
      orders: this.orders.slice(0, 3),
      cards: this.accounts.filter((account) => account.kind === 'card').map(cardView),
      recent: this.empty ? [] : transactions.slice(0, 5),
      has_bills: this.book.bills.length > 0,
      rises: this.book.bills.flatMap((bill) => riseOf(bill) ?? []).toSorted((a, b) => b.due_on.localeCompare(a.due_on)),
    };
  }

  /** Of the banks of this household's billers. */
  holidays(): HolidayView[] {
    if (this.book.bills.length === 0) return [];
    return Object.entries(federalReserve).map(([on, name]) => ({ on, name, calendars: ['federal_reserve'] }));
  }

  get billers(): BillerView[] {
    return [...billers, ...this.ownBillers];
  }

  /** `issued`: what a statement asks for, which is no bill. */
  billViews(issued = false): BillView[] {
    return this.book.bills
      .filter((bill) => (bill.id === this.book.issued) === issued)
      .map((bill) => ({
        bill,
        amount: amountOn(bill, TODAY),
        paused: bill.pauses.some((pause) => pause.from <= TODAY && (pause.until === null || pause.until >= TODAY)),
        biller_name: this.billers.find((biller) => biller.id === bill.biller)?.name ?? null,
        own_biller: this.ownBillers.find((biller) => biller.id === bill.biller) ?? null,
        payable: isPayable(bill),
        next_due_on: datesOfBill(bill, TODAY, shifted(TODAY, 400))[0] ?? null,
        history: datesOfBill(bill, '2026-09-01', shifted(TODAY, -1))
          .map((day) => occurrence(this.book, bill, day))
          .filter((one) => one.state === 'paid' || one.state === 'skipped')
          .reverse(),
        band: bandOf(bill),
        rise: riseOf(bill),
      }))
      .toSorted((a, b) => a.bill.name.localeCompare(b.bill.name));
  }

  pay(request: PayBill): PaymentView {
    const bill = this.book.bills.find((one) => one.id === request.bill);
    const sendsOn = request.send_on ?? '2026-11-13';
    const made_at = '2026-11-12T14:45:00Z';
    const state = !this.status.online ? 'not_sent' : this.#asks ? 'awaiting_approval' : 'scheduled';
    const payment: PaymentView = {
      id: `payment-new-${this.nextId()}`,
      method: request.method ?? null,
      to: billers.find((biller) => biller.id === bill?.biller)?.name ?? bill?.name ?? this.accounts.find((account) => account.id === request.biller)?.name ?? '',
      amount: request.amount,
      state,
      reason: state === 'awaiting_approval' ? 'first_payment' : null,
      bill: request.bill,
      due_on: request.due_on,
      sends_on: sendsOn,
      cutoff_at: state === 'scheduled' ? `${sendsOn}T21:00:00Z` : null,
      expected_by: shifted(sendsOn, 3),
      made_at,
      approve_by: state === 'awaiting_approval' ? '2026-11-13T14:45:00Z' : null,
      held_until: null,
      autopay: false,
      practice: this.status.practice_money,
      rail: this.status.online ? 'ach' : null,
      travels: null,
      can_cancel: true,
      again: null,
      history: [{ state, at: made_at }],
    };
    this.book.payments = [payment, ...this.book.payments];
    return payment;
  }

  reminders(): RemindersView {
    const next: NextReminderView | null = this.empty ? null : { bill: 'bill-power', name: 'Cobalt Ridge Power', due_on: '2026-11-16', falls_on: '2026-11-16', at: '2026-11-15T14:00:00Z', goes_out: false };
    const delivered = this.empty ? [] : [{ bill: 'bill-gas', name: 'Northfold Gas', due_on: '2026-11-09', falls_on: '2026-11-09', at: '2026-11-08T14:00:00Z', days_before: 1, goes_out: false }];
    const coming = next ? [next, { ...next, bill: 'bill-card', name: 'Quillmere Card', due_on: '2026-11-19', falls_on: '2026-11-19', at: '2026-11-18T14:00:00Z' }, { ...next, bill: 'bill-fiber', name: 'Lanternline Fiber', due_on: '2026-11-20', falls_on: '2026-11-20', at: '2026-11-19T14:00:00Z', goes_out: true }] : [];
    const silent: SilentView[] = this.empty ? [] : [{ bill: 'bill-tv', name: 'Paperkite TV', why: 'no_reminders' }];
    return { timer: { state: this.timer ? 'on' : 'off' }, delivered, next, coming, why_none: next ? null : 'no_bills', silent, held: 0, test: this.tested };
  }

  email(): EmailRemindersView {
    const server = this.status.place?.kind === 'server';
    return { on: this.emailOn, to: server ? 'i•••@alder-lane.example' : null, sends_email: server };
  }

  offer(): ImportOffer {
    if (this.#archive) return { token: `offer-${this.nextId()}`, file_name: 'billfold.zip', report: archiveReport() };
    return {
      token: `offer-${this.nextId()}`,
      file_name: 'quillmere-november.qfx',
      report: {
        format: 'OFX 1.02 (SGML)',
        new: 4,
        known: 2,
        replaced: 1,
        rejected: [{ line: 118, reason: 'the amount is not a number' }],
        accounts: [card.id],
        account_names: ['Quillmere Card ··4417'],
        lines: [
          { posted_on: '2026-11-12', amount: usd(-6490), description: 'Quillmere Online', verdict: 'replaces', why: 'it was pending and has posted' },
          { posted_on: '2026-11-11', amount: usd(-3820), description: 'Quillmere Market', verdict: 'new', why: 'not here yet' },
          { posted_on: '2026-11-10', amount: usd(-1275), description: 'Quillmere Garden', verdict: 'new', why: 'not here yet' },
          { posted_on: '2026-11-10', amount: usd(-1275), description: 'Quillmere Garden', verdict: 'new', why: 'not here yet' },
          { posted_on: '2026-11-10', amount: usd(31000), description: 'Payment, thank you', verdict: 'new', why: 'not here yet' },
          { posted_on: '2026-11-09', amount: usd(-2340), description: 'Quillmere Garden', verdict: 'known', why: 'it is here already' },
          { posted_on: '2026-11-07', amount: usd(-5230), description: 'Quillmere Market', verdict: 'known', why: 'it is here already' },
        ],
        settles: [{ bill: 'bill-gas', name: 'Northfold Gas', due_on: '2026-11-09', falls_on: '2026-11-09', posted_on: '2026-11-11', amount: usd(5832) }],
        warnings: ['The file names no time zone; New York was taken.'],
        archive: null,
        preview: true,
      },
    };
  }
}
