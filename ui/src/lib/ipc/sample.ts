// An invented world behind the same commands, for developing and for pictures. It is in no shipped build.
// "?world=" chooses what stands: empty, offline, locked, passphrase, pin, keyring-gone, no-keyring, unheard, not-mine, welcome, server, practice, signed-out, failing, slow, account-locked, passkey-asked, no-pay, short, not-ready, archive.
import { isOf } from '$lib/components/autopay/paid';
import { nowHere, setNow } from '$lib/format';
import type { AccountId, AccountStatements, CommandError, Dispute, PageQuery, SearchHit, SignIn } from './bindings';
import type { Commands, Ipc } from './index';
import { servedCard, servedStatements, statements, transactions } from './sample/accounts';
import { billers, rule, TODAY, usd } from './sample/bills';
import { amountOn, datesOf, markKey, occurrence, occurrences, riseOf, shifted, workday, workdayAfter } from './sample/book';
import { payoff, shares } from './sample/payoff';
import { offersFor } from './sample/offers';
import { nextDays, plan } from './sample/plan';
import { startingSuggestions, suggestedBill } from './sample/suggestions';
import { World } from './sample/world';

const NOW = '2026-11-12T14:41:00Z';
const SLOW_MS = 60_000;
const BROWSER_MS = 2_500;

type Listener<T> = (told: T) => void;
type Fail = Partial<CommandError> & { code: string };

class Refused extends Error {
  constructor(readonly reason: Fail) {
    super(reason.code);
  }
}

export function sampleIpc(query = ''): Ipc {
  setNow(() => new Date(NOW));
  const kind = new URLSearchParams(query).get('world') ?? '';
  const world = new World(kind);
  let version = 0;
  const changed = new Set<Listener<number>>();
  const signIn = new Set<Listener<SignIn>>();
  const listen = <T>(all: Set<Listener<T>>) => async (told: Listener<T>) => {
    all.add(told);
    return () => void all.delete(told);
  };
  const tell = () => {
    version += 1;
    changed.forEach((told) => told(version));
  };
  const read = async <T>(make: () => T) => {
    if (kind === 'failing') return { status: 'error' as const, error: { code: 'cache_failed', message: 'the copy could not be read', next: 'try again' } };
    if (kind === 'slow') await new Promise((done) => setTimeout(done, SLOW_MS));
    return attempt(make);
  };
  const change = async <T>(make: () => T) => {
    const result = attempt(make);
    if (result.status === 'ok') queueMicrotask(tell);
    return result;
  };
  const attempt = <T>(make: () => T) => {
    try {
      return { status: 'ok' as const, data: structuredClone(make()) };
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      return { status: 'error' as const, error: { message: '', next: '', ...thrown.reason } };
    }
  };
  const paged = <T>(all: readonly T[], { limit, after }: PageQuery) => {
    const start = Number(after ?? 0);
    const end = start + (limit ?? 50);
    return { items: all.slice(start, end), next: end < all.length ? String(end) : null };
  };
  const purchasesOf = (id: AccountId) => world.purchases.filter((one) => one.card === id).map((one) => ({ ...one, plan_offered: offersFor(one).length > 0 }));
  const found = <T>(one: T | undefined): T => {
    if (one === undefined) throw new Refused({ code: 'not_found' });
    return one;
  };
  const bill = (id: string) => found(world.book.bills.find((one) => one.id === id));
  const listed = () => statementsOf(world);
  const ready = () => Object.assign(world.status, { phase: 'ready', locked: false, locked_because: null, trouble: null, name: world.status.name ?? 'Ines Calloway' });
  const check = (passphrase: string | null) => {
    const right = { keyring: null, keyring_and_passphrase: '492716', passphrase: 'correct horse', memory: null }[world.status.protected_by ?? 'keyring'];
    if (right !== null && passphrase !== right) throw new Refused({ code: 'wrong_passphrase' });
  };
  const begin = () => {
    setTimeout(() => {
      ready();
      signIn.forEach((told) => told({ done: true, error: null, recovery_key: '7QKM4-XD2RV-H8WTN-C3PYA-6JBFE-5MZ2K' }));
    }, kind === 'welcome' ? SLOW_MS : BROWSER_MS);
    return { match_code: '62', address: 'http://127.0.0.1:49210/authorize?request=4f2a91', browser_opened: true };
  };
  const visit = { address: 'http://localhost:8470/sign-in/passkeys/open?secret=4f2a91', browser_opened: true };

  const commands: Commands = {
    status: async () => attempt(() => world.statusNow()),
    startHere: (name) => change(() => {
      Object.assign(ready(), { name, recovery_key_unnoted: true });
      return { recovery_key: '7QKM4-XD2RV-H8WTN-C3PYA-6JBFE-5MZ2K' };
    }),
    startWithPasskey: async () => attempt(begin),
    connect: async () => attempt(begin),
    signInCancel: async () => attempt(() => null),
    signOut: () => change(() => (Object.assign(world.status, { phase: 'welcome' }), null)),
    copySecret: async () => attempt(() => null),
    lock: () => change(() => (Object.assign(world.status, { phase: 'locked', locked: true, locked_because: { why: 'by_hand' } }), null)),
    unlock: (passphrase) => change(() => {
      if (world.status.trouble) throw new Refused({ code: world.status.trouble });
      check(passphrase);
      ready();
      return null;
    }),
    protect: (current, by) => change(() => {
      check(current);
      world.status.protected_by = by.by;
      return null;
    }),
    recoveryKeyNew: (current) => change(() => {
      check(current);
      world.status.recovery_key_unnoted = true;
      return { recovery_key: '3HTWR-Q8NVM-5XKCD-Z2PAY-E7JBF' };
    }),
    recoveryKeyNoted: () => change(() => ((world.status.recovery_key_unnoted = false), null)),
    repair: (recoveryKey, by) => change(() => {
      if (!recoveryKey.startsWith('7QKM4')) throw new Refused({ code: 'wrong_recovery_key' });
      ready().protected_by = by.by;
      return null;
    }),
    devices: () => read(() => world.devices),
    deviceSignOut: (id) => change(() => ((world.devices = world.devices.filter((device) => device.id !== id)), null)),
    security: () => read(() => world.security()),
    securityAnswer: (number, mine) => change(() => (world.answerAbout(number, mine), null)),
    securitySave: async () => attempt(() => true),
    risk: () => read(() => world.risk()),
    support: () => read(() => ({ sights: world.sights, cases: world.supportCase })),
    supportCheck: async (code) => attempt(() => {
      if (code !== '40127733') throw new Refused({ code: 'not_support' });
      return { id: 'check-1', agent: 'Rowan', scope: 'payments', minutes: 15 };
    }),
    supportAnswer: (_, allow) => change(() => {
      if (!allow) return null;
      world.sights = [{ id: 'sight-1', agent: 'Rowan', scope: 'payments', ends_at: '2026-11-12T15:00:00Z' }];
      return world.sights[0]!;
    }),
    supportEnd: () => change(() => ((world.sights = []), null)),
    passkeys: () => read(() => world.passkeys.map((one) => ({ ...one, last: world.passkeys.length === 1 }))),
    accountLock: () => change(() => (world.lockAccount(), null)),
    accountRelease: () => change(() => ((world.status.standing = { restraint: null }), null)),
    passkeyAdd: async () => attempt(() => visit),
    secondPasskeyLater: () => change(() => ((world.status.urge_second_passkey = false), null)),
    passkeyRename: (id, name) => change(() => ((found(world.passkeys.find((one) => one.id === id)).name = name), null)),
    passkeyRemove: (id) => change(() => ((world.passkeys = world.passkeys.filter((one) => one.id !== id)), null)),
    recovery: () => read(() => world.recovery),
    recoverySendCode: async (kind) => attempt(() => ({ id: 'code-1', to: world.recovery[kind] ?? '' })),
    recoveryStart: (proof) => change(() => {
      if (proof.code === '00000000') throw new Refused({ code: 'wrong_code' });
      return Object.assign(world.recovery, { state: { state: 'waiting' as const, ready_at: '2026-11-15T14:41:00Z' }, begun_here: true });
    }),
    recoveryStop: () => change(() => (Object.assign(world.recovery, { state: { state: 'stopped' as const, until: '2026-11-19T14:41:00Z' } }), null)),
    recoveryFinish: async () => attempt(() => visit),
    recoveryCode: async () => attempt(() => visit),
    addresses: () => read(() => world.addresses),
    addressAdd: (kind, value) => change(() => {
      const address = { id: `address-new-${world.nextId()}`, kind, value, state: { state: 'unconfirmed' as const }, added_at: NOW };
      world.addresses.items.push(address);
      // Who has no passkey to show has nothing to say yes with.
      return world.passkeys.length === 0 ? { added: 'now' as const, address } : { added: 'in_browser' as const, id: address.id, visit };
    }),
    addressSendCode: async () => attempt(() => null),
    addressConfirm: (id, code) => change(() => {
      if (code !== '12345678') throw new Refused({ code: 'wrong_code' });
      return Object.assign(found(world.addresses.items.find((one) => one.id === id)), { state: { state: 'confirmed' as const } });
    }),
    addressRemove: (id) => change(() => ((world.addresses.items = world.addresses.items.filter((one) => one.id !== id)), null)),
    waysIn: () => read(() => world.ways),
    rhythm: () => read(() => world.rhythm),
    rhythmSet: (on) => change(() => (world.rhythm = { ...world.rhythm, on, known: 0 })),
    passwordSet: async () => attempt(() => visit),
    passwordRemove: () => change(() => ((world.ways.password = null), null)),
    passwordKeep: async () => attempt(() => visit),
    passwordLetGo: () => change(() => (Object.assign(found(world.ways.password ?? undefined), { kept: false, state: 'off_beside_passkeys' }), null)),
    authenticatorAdd: async () => attempt(() => visit),
    factorRename: (id, name) => change(() => ((found(world.ways.factors.find((one) => one.id === id)).name = name), null)),
    factorRemove: (id) => change(() => ((world.ways.factors = world.ways.factors.filter((one) => one.id !== id)), null)),
    home: () => read(() => world.home()),
    bills: () => read(() => ({ today: TODAY, occurrences: occurrences(world.book), bills: world.billViews(), cards: world.billViews(true), holidays: world.holidays() })),
    scheduleDates: async (typed) => attempt(() => datesOf(typed, TODAY, shifted(TODAY, 4000)).slice(0, 4)),
    billAdd: (typed) => change(() => {
      const id = `bill-new-${world.nextId()}`;
      world.book.bills.push({ ...typed, grace_days: typed.grace_days ?? 0, lead_days: typed.lead_days ?? 0, schedule: rule(typed.schedule), id, card: typed.card ?? null, steps: [], earlier: [], pauses: [], zone: 'America/New_York', origin: null });
      return id;
    }),
    billEdit: (_before, edited, scope) => change(() => {
      const known = bill(edited.id);
      const differs = edited.amount.minor !== amountOn(known, TODAY).minor || riseOf(known)?.amount.minor === edited.amount.minor;
      const step = scope.kind === 'from' && differs ? [{ from: scope.due_on, amount: edited.amount }] : [];
      const steps = [...known.steps.filter((one) => step.length === 0 || one.from < step[0]!.from), ...step];
      Object.assign(known, edited, { steps, amount: step.length > 0 ? known.amount : edited.amount });
      return null;
    }),
    billPause: (id, from, until) => change(() => (bill(id).pauses.push({ from, until }), null)),
    billResume: (id) => change(() => ((bill(id).pauses = []), null)),
    billRemove: (id) => change(() => ((world.book.bills = world.book.bills.filter((one) => one.id !== id)), null)),
    occurrenceMark: (id, dueOn, mark) => change(() => {
      const key = markKey(id, dueOn);
      const made = `change-${world.nextId()}`;
      world.said.push({ made, key, before: world.book.marks.get(key) });
      world.mark(key, mark.kind === 'unmarked' ? undefined : mark);
      return made;
    }),
    occurrenceUndo: (id, dueOn, by) => change(() => {
      const key = markKey(id, dueOn);
      const said = world.said.findLast((one) => one.key === key && (by === null || one.made === by));
      if (said === undefined) {
        const all_by = `change-${world.nextId()}`;
        world.said.push({ made: all_by, key, before: world.book.marks.get(key) });
        world.mark(key, undefined);
        return { whole: true, all_by };
      }
      world.said = world.said.filter((one) => one !== said);
      world.mark(key, said.before);
      return { whole: true, all_by: null };
    }),
    plan: () => read(() => plan(world.book, world.incomes, world.wishes)),
    planWish: (wishes) => change(() => ((world.wishes = wishes), null)),
    incomePut: (id, typed) => change(() => {
      const kept = { ...typed, id: id ?? `income-new-${world.nextId()}` };
      const at = world.incomes.findIndex((one) => one.id === kept.id);
      world.incomes = at < 0 ? [...world.incomes, kept] : world.incomes.with(at, kept);
      return kept.id;
    }),
    incomeRemove: (id) => change(() => ((world.incomes = world.incomes.filter((one) => one.id !== id)), null)),
    incomeDates: async (typed) => attempt(() => nextDays(typed)),
    suggestions: () => read(() => world.suggestions),
    suggestionAccept: (id) => change(() => {
      const one = found(world.suggestions.find((known) => known.id === id));
      world.suggestions = world.suggestions.filter((known) => known.id !== id);
      const bill = `bill-new-${world.nextId()}`;
      world.book.bills.push(suggestedBill(one, bill));
      return bill;
    }),
    suggestionDismiss: (id) => change(() => ((world.suggestions = world.suggestions.filter((known) => known.id !== id)), null)),
    suggestionRestore: (id) => change(() => ((world.suggestions = startingSuggestions().filter((one) => one.id === id || world.suggestions.some((known) => known.id === one.id))), null)),
    billerPut: (id, typed) => change(() => {
      const kept = { ...typed, id: id ?? `biller-own-${world.nextId()}`, payable: false, own: true };
      world.ownBillers = [...world.ownBillers.filter((one) => one.id !== kept.id), kept];
      return kept.id;
    }),
    billerRemove: (id) => change(() => {
      world.ownBillers = world.ownBillers.filter((one) => one.id !== id);
      for (const bill of world.book.bills) if (bill.biller === id) bill.biller = null;
      return null;
    }),
    billers: async (text) => attempt(() => world.billers.filter((one) => `${one.name} ${one.category}`.toLowerCase().includes(text.toLowerCase()))),
    cards: () => read(() => world.home().cards),
    accounts: () => read(() =>
      world.accounts.map((account) => {
        const days = transactions.filter((line) => line.account === account.id).map((line) => line.posted_on).toSorted();
        return { account, transactions: days.length, first_on: days[0] ?? null, last_on: days.at(-1) ?? null };
      }),
    ),
    accountRename: (id, name) => change(() => ((found(world.accounts.find((one) => one.id === id)).name = name), null)),
    cardPlan: (id, { id: known, ...edit }) => change(() => {
      const account = found(world.accounts.find((one) => one.id === id));
      const plans = account.plans ?? [];
      const plan = { ...edit, id: known ?? `plan-${plans.length + 1}`, left_on: edit.left_on ?? TODAY };
      const at = plans.findIndex((one) => one.id === plan.id);
      account.plans = at < 0 ? [...plans, plan] : plans.with(at, plan);
      return plan.id;
    }),
    cardPlanRemove: (id, plan) => change(() => {
      const account = found(world.accounts.find((one) => one.id === id));
      account.plans = (account.plans ?? []).filter((one) => one.id !== plan);
      return null;
    }),
    cardExcess: (id, excess) => change(() => ((found(world.accounts.find((one) => one.id === id)).excess = excess), null)),
    cardPayoff: (id, monthly) => read(() => payoff(found(world.accounts.find((one) => one.id === id)), monthly)),
    cardOpen: ({ name, limit, closing_day }) => change(() => {
      const id = `card-new-${world.nextId()}`;
      world.accounts.push({ ...servedCard('active'), id, name, mask: null, plans: [], excess: 'by_rate', balance: usd(0), available: limit, terms: { ...servedCard('active').terms!, closing_day, due: { day_of_month: closing_day > 6 ? closing_day - 6 : closing_day + 22 } }, card: { status: 'active', status_at: '2026-11-12T14:45:00Z', limit, merchants: [] } });
      return id;
    }),
    cardStatus: (id, status) => change(() => {
      const account = found(world.accounts.find((one) => one.id === id));
      account.card = { ...account.card!, status, status_at: '2026-11-12T14:45:00Z' };
      return null;
    }),
    cardCredit: (id, to) => change(() => {
      const account = found(world.accounts.find((one) => one.id === id));
      const credit = account.balance ?? usd(0);
      const there = to === null ? world.accounts.find((one) => one.keeping === 'served' && !one.card) : found(world.accounts.find((one) => one.id === to));
      if (there?.balance) there.balance = usd(there.balance.minor + credit.minor);
      account.balance = usd(0);
      return credit;
    }),
    cardLink: async () => attempt(() => ({ code: 'Q7KM-4TZD-N2PA', ends_at: '2026-11-12T15:00:00Z', approve: null })),
    cardUnlink: (id, merchant) => change(() => {
      const account = found(world.accounts.find((one) => one.id === id));
      account.card = { ...account.card!, merchants: (account.card!.merchants ?? []).filter((one) => one.id !== merchant) };
      return null;
    }),
    disputeOpen: (wish) => change(() => {
      const one = found(world.purchases.find((known) => known.id === wish.purchase));
      const opened_at = '2026-11-12T14:45:00Z';
      one.disputed_at = opened_at;
      const account = found(world.accounts.find((known) => known.id === one.card));
      if (wish.reason === 'not_mine') account.card = { ...account.card!, status: 'frozen', status_at: opened_at };
      const left = one.disputable?.minor ?? one.captured.minor - one.refunded.minor;
      const amount = wish.amount ?? usd(left);
      one.disputable = usd(left - amount.minor);
      const dispute: Dispute = { id: `dispute-${one.id}-${world.disputes.length}`, purchase: one.id, card: one.card, merchant: one.merchant, description: one.description, reason: wish.reason, words: wish.words ?? '', amount, credited: amount, opened_at, acknowledged_at: null, answer_by: '2027-01-25', decided: null };
      world.disputes = [dispute, ...world.disputes];
      return dispute;
    }),
    disputeWithdraw: (id) => change(() => {
      const one = found(world.disputes.find((known) => known.id === id));
      const back: Dispute = { ...one, credited: usd(0), decided: { outcome: 'withdrawn', at: '2026-11-12T14:46:00Z', why: '' } };
      world.disputes = world.disputes.map((known) => (known.id === id ? back : known));
      const of = world.purchases.find((known) => known.id === one.purchase);
      if (of) {
        of.disputable = usd((of.disputable?.minor ?? 0) + one.credited.minor);
        if (!world.disputes.some((known) => known.purchase === of.id && !known.decided)) of.disputed_at = null;
      }
      return back;
    }),
    cardDisputes: (id) => read(() => world.disputes.filter((one) => one.card === id)),
    planOffers: (id) => read(() => offersFor(found(world.purchases.find((one) => one.id === id)))),
    planChoose: (id, offer) => change(() => {
      const one = found(world.purchases.find((known) => known.id === id));
      const { plan } = found(offersFor(one).find((known) => JSON.stringify(known.offer) === JSON.stringify(offer)));
      one.plan = plan.id;
      const account = found(world.accounts.find((known) => known.id === one.card));
      if (one.captured.minor > 0) account.plans = [...(account.plans ?? []), plan];
      return plan.id;
    }),
    orders: (query) => read(() => paged(world.orders, query)),
    order: (id) => read(() => found(world.orders.find((one) => one.order.id === id))),
    cardPurchases: (id, query) => read(() => paged(purchasesOf(id), query)),
    cardHeld: (id) => read(() => purchasesOf(id).filter((one) => one.held.minor > 0)),
    cardTerms: (id, terms) => change(() => ((found(world.accounts.find((one) => one.id === id)).terms = terms), null)),
    transactions: ({ account, search, since, until, limit, after }) => read(() => {
      const words = (search ?? '').toLowerCase().split(/\s+/).filter(Boolean);
      const within = (day: string) => (since === null || day >= since) && (until === null || day <= until);
      const all = transactions.filter((line) => line.account === account && within(line.posted_on) && words.every((word) => `${line.description} ${line.memo ?? ''}`.toLowerCase().includes(word)));
      return paged(all, { limit, after });
    }),
    payments: () => read(() => world.book.payments),
    cardQuote: (card) => read(() => ({
      card, payee: card, to: world.accounts[0]?.name ?? '', minimum: usd(8000), statement: usd(128460), current: usd(146324), due_on: '2026-11-19',
      sends_on: '2026-11-12', expected_by: '2026-11-12', from: 'Practice money USD', available: usd(850000),
    })),
    cardShares: (id, amount) => read(() => shares(amount.minor, found(world.accounts.find((one) => one.id === id)))),
    paymentDraft: () => read(() => world.draft),
    paymentDraftKeep: async (draft) => attempt(() => ((world.draft = draft), null)),
    payQuote: (id, dueOn, sendOn) => read(() => {
      const one = occurrence(world.book, bill(id), dueOn);
      const to = billers.find((biller) => biller.id === bill(id).biller)?.name ?? one.name;
      return {
        to,
        bill: id,
        due_on: dueOn,
        falls_on: one.falls_on,
        amount: one.amount,
        left: one.left,
        estimated: one.estimated,
        not_payable: one.payable ? null : 'this bill has no biller that takes payments here',
        sends_on: workday(sendOn ?? '2026-11-13'),
        cutoff_at: `${workday(sendOn ?? '2026-11-13')}T21:00:00Z`,
        expected_by: workdayAfter(workday(sendOn ?? '2026-11-13')),
        from: 'Tern Harbor Checking ··2086',
        available: { minor: 110718, currency: 'USD' },
        methods: world.methods,
        practice: world.status.practice_money,
        online: world.status.online,
      };
    }),
    payBill: (request) => change(() => {
      const same = world.book.payments.some((one) => one.bill === request.bill && one.due_on === request.due_on && one.amount.minor === request.amount.minor && one.id.startsWith('payment-new'));
      if (same && !request.duplicate_meant) throw new Refused({ code: 'possible_duplicate' });
      return world.pay(request);
    }),
    paymentAgain: (id) => change(() => {
      const one = found(world.book.payments.find((payment) => payment.id === id));
      world.book.payments = world.book.payments.filter((payment) => payment.id !== id);
      return world.pay({ bill: one.bill, due_on: one.due_on, biller: null, amount: one.amount, send_on: null, duplicate_meant: false, method: one.method });
    }),
    methods: () => read(() => world.methods.toSorted((a, b) => Number(b.method.is_default) - Number(a.method.is_default))),
    methodAdd: async () => attempt(() => ({ address: 'http://localhost:8470/sign-in/step-up/open?secret=Nk5', browser_opened: true })),
    methodDefault: (id, first) => change(() => {
      world.methods = world.methods.map((one) => ({ ...one, method: { ...one.method, is_default: first && one.method.id === id } }));
      return null;
    }),
    methodRemove: (id) => change(() => {
      if (found(world.methods.find((one) => one.method.id === id)).leaving.length > 0) throw new Refused({ code: 'method_in_use' });
      world.methods = world.methods.filter((one) => one.method.id !== id);
      return null;
    }),
    methodReplace: (id, to) => change(() => {
      const old = found(world.methods.find((one) => one.method.id === id));
      const moved = old.leaving.map((one) => ({ ...one, stops: false }));
      const rest = world.methods.filter((one) => one !== old);
      world.methods = rest.map((one) => (one.method.id === to ? { ...one, leaving: [...one.leaving, ...moved], method: { ...one.method, is_default: one.method.is_default || old.method.is_default } } : one));
      const drawing = old.autopays.map((one) => ({ ...one, stops: false }));
      world.methods = world.methods.map((one) => (one.method.id === to ? { ...one, autopays: [...one.autopays, ...drawing] } : one));
      return { done: { payments: moved.length, autopays: drawing.length, removed: true }, visit: null };
    }),
    wallets: () => read(() => world.wallets),
    walletMoves: (id, query) => read(() => paged(world.walletMoves.filter((one) => one.card === id), query)),
    walletReload: (id, amount) => change(() => {
      world.wallets = world.wallets.map((one) => (one.card === id ? { ...one, balance: usd(one.balance.minor + amount.minor) } : one));
      world.walletMoves = [{ card: id, at: `${TODAY}T12:00:00Z`, id: `moved-${world.walletMoves.length + 1}`, kind: 'reload', amount, description: '', because: null, on: TODAY }, ...world.walletMoves];
      return null;
    }),
    walletAtCheckout: (id, on) => change(() => {
      world.wallets = world.wallets.map((one) => (one.card === id ? { ...one, at_checkout: on } : one));
      return null;
    }),
    walletAutoReload: (id, terms) => change(() => {
      world.wallets = world.wallets.map((one) => (one.card === id ? { ...one, auto_reload: { terms, waits: null } } : one));
      return { on: true, visit: null };
    }),
    walletAutoReloadOff: (id) => change(() => {
      world.wallets = world.wallets.map((one) => (one.card === id ? { ...one, auto_reload: null } : one));
      return null;
    }),
    rewards: () => read(() => world.rewards),
    rewardsUse: (id, amount) => change(() => {
      world.rewards = world.rewards.map((one) => (one.card === id ? { ...one, available: usd(one.available.minor - amount.minor), usable: usd(one.usable.minor - amount.minor) } : one));
      return null;
    }),
    rewardsAtCheckout: (id, on) => change(() => {
      world.rewards = world.rewards.map((one) => (one.card === id ? { ...one, at_checkout: on } : one));
      return null;
    }),
    autopays: () => read(() => world.autopays),
    autopaySet: (of, terms) => change(() => {
      const one = of.card ? found(world.accounts.find((account) => account.id === of.card)) : bill(of.bill ?? '');
      const method_name = world.methods.find((known) => known.method.id === terms.method)?.name ?? null;
      const before = world.autopays.find((known) => isOf(known, of));
      world.autopays = [...world.autopays.filter((known) => !isOf(known, of)), { ...of, name: one.name, terms, state: 'on', method_name, next: before?.next ?? null, ordered: before?.ordered ?? 0 }];
      return { on: true, visit: null };
    }),
    autopayPause: (of, paused) => change(() => {
      world.autopays = world.autopays.map((one) => (isOf(one, of) ? { ...one, state: paused ? 'paused' : 'on', next: paused ? null : one.next } : one));
      return null;
    }),
    autopayOff: (of) => change(() => {
      world.autopays = world.autopays.filter((one) => !isOf(one, of));
      return null;
    }),
    readiness: () => read(() => world.ready),
    termsRead: async () => attempt(() => ({ address: found(world.ready.terms ?? undefined).address, browser_opened: true })),
    termsAccept: () => change(() => {
      const items = world.ready.items.map((one) => (one.what === 'accepted_terms' ? { ...one, met: 'yes' as const } : one));
      world.ready = { ...world.ready, items, ready: items.every((one) => one.met !== 'no') };
      return null;
    }),
    limits: () => read(() => world.limits),
    limitsSet: (currency, limits) => change(() => {
      const one = found(world.limits.find((known) => known.currency === currency));
      if (limits.payment_minor > one.limits.payment_minor || limits.day_minor > one.limits.day_minor) {
        return { set: null, visit: { address: 'http://localhost:8470/sign-in/step-up/open?secret=Wm7', browser_opened: true } };
      }
      world.limits = world.limits.map((known) => (known === one ? { ...one, limits, next: null } : known));
      return { set: { ...one, limits, next: null }, visit: null };
    }),
    paymentApprove: async (id) => attempt(() => {
      found(world.book.payments.find((payment) => payment.id === id));
      return { address: 'http://localhost:8470/sign-in/step-up/open?secret=Vq3', browser_opened: true };
    }),
    paymentEdit: (id, amount, sendOn) => change(() => {
      const one = found(world.book.payments.find((payment) => payment.id === id));
      const sends_on = sendOn.kind === 'day' ? sendOn.day : one.sends_on;
      return Object.assign(one, { amount: amount ?? one.amount, sends_on, state: 'awaiting_approval', reason: 'changed', history: [...one.history, { state: 'awaiting_approval', at: NOW }] });
    }),
    paymentCancel: (id) => change(() => {
      const one = found(world.book.payments.find((payment) => payment.id === id));
      return Object.assign(one, { state: 'cancelled', can_cancel: false, history: [...one.history, { state: 'cancelled', at: NOW }] });
    }),
    importChoose: async () => attempt(() => world.offer()),
    importConfirm: () => change(() => {
      const { format, accounts, account_names, new: fresh, known, replaced, rejected, warnings } = world.offer().report;
      world.imports = [{ at: nowHere(), format, accounts, account_names, new: fresh, known, replaced, rejected, rejected_count: rejected.length, warnings }, ...world.imports];
      return { ...world.offer().report, preview: false };
    }),
    imports: () => read(() => world.imports),
    importDiscard: async () => attempt(() => null),
    statements: () => read(() => ({ accounts: listed() })),
    statementOpen: async () => attempt(() => null),
    statementSave: async () => attempt(() => true),
    statementsSaveAll: async (account) => attempt(() => ({ saved: listed().find((one) => one.account === account)?.statements.length ?? 0, left: [] })),
    languageSet: async () => attempt(() => null),
    pageListens: async () => {},
    pageHeard: async () => {},
    windowClose: async () => {},
    quit: async () => {},
    reminders: () => read(() => world.reminders()),
    remindersTimer: (on) => change(() => ((world.timer = on), null)),
    reminderTest: () => change(() => (world.tested = { id: 'bill-test', at: NOW, reached: 'shown', stopped: null, answer: null })),
    emailReminders: () => read(() => world.email()),
    emailRemindersSet: (details, remind_at) => change(() => ((world.emailOn = { details, remind_at, zone: 'America/New_York', looks_at: '2026-11-13T14:00:00Z' }), world.email())),
    emailRemindersEnd: () => change(() => ((world.emailOn = null), null)),
    reminderSnooze: () => change(() => null),
    calendarFeed: () => read(() => ({ feed: world.calendarFeed, only_here: world.status.place?.kind !== 'server' })),
    calendarFeedAddress: (amounts, remind_at) => change(() => {
      world.calendarFeed = { amounts, remind_at, made_at: NOW, read_at: null };
      const origin = world.status.place?.kind === 'server' ? world.status.place.url : 'http://localhost:41873';
      return `${origin}/calendar/wX3kq0TzN5m8Y-Vb7cJ2hRr9LsDg1EaUiPfOoKe4Q6y.ics`;
    }),
    calendarFeedChange: (amounts, remind_at) => change(() => {
      world.calendarFeed = { ...found(world.calendarFeed ?? undefined), amounts, remind_at };
      return null;
    }),
    calendarFeedEnd: () => change(() => ((world.calendarFeed = null), null)),
    exportEverything: async () => attempt(() => ({ saved: true, visit: null })),
    calendarFeedSave: async () => attempt(() => true),
    settings: async () => attempt(() => world.settings),
    settingsSet: (settings) => change(() => ((world.settings = settings), null)),
    autostart: (on) => change(() => ((world.settings.start_hidden_at_sign_in = on), null)),
    search: async (text) => attempt(() => ({ hits: hits(world, text.toLowerCase()) })),
    syncNow: async () => attempt(() => {
      if (!world.status.online) throw new Refused({ code: 'server_unreachable' });
      return null;
    }),
    refusalsSeen: () => change(() => ((world.status.refused = world.status.refused.filter((one) => one.lines !== null)), null)),
    refusalPutBack: (id) => change(() => ((world.status.refused = world.status.refused.filter((one) => one.id !== id)), null)),
    refusalLetGo: (id) => change(() => ((world.status.refused = world.status.refused.filter((one) => one.id !== id)), null)),
    check: async () => attempt(() => [
      { name: 'version', good: true, found: { what: 'version', version: '0.1.0' }, about: '' },
      { name: 'keyring', good: true, found: { what: 'program', name: 'Secret Service' }, about: '' },
      world.status.online
        ? { name: 'server', good: true, found: { what: 'server', url: null, asked: true }, about: '' }
        : { name: 'server', good: false, found: { what: 'server_refused', url: null, code: 'server_unreachable', message: '' }, about: '' },
      { name: 'cache', good: true, found: { what: 'copy', accounts: 2 }, about: '' },
      { name: 'clock', good: true, found: { what: 'clock', at: NOW }, about: '' },
      { name: 'holidays', good: true, found: { what: 'holidays', until: '2028-12-31' }, about: '' },
      { name: 'billers', good: true, found: { what: 'billers', billers: 412, version: 7 }, about: '' },
      { name: 'notifier', good: false, found: { what: 'silent' }, about: '' },
    ]),
  };

  return { commands, onChanged: listen(changed), onSignIn: listen(signIn), onImportOffered: async () => () => {}, onOpenScreen: async () => () => {} };
}

function statementsOf(world: World): AccountStatements[] {
  if (world.empty) return [];
  return world.accounts.some((account) => account.card) ? [servedStatements, ...statements.slice(1)] : statements;
}

function hits(world: World, text: string): SearchHit[] {
  const has = (name: string) => name.toLowerCase().includes(text);
  return [
    ...world.book.bills.filter((one) => has(one.name)).map((one) => ({ kind: 'bill' as const, id: one.id, name: one.name, amount: one.amount })),
    ...world.book.payments.filter((one) => has(one.to)).map((one) => ({ kind: 'payment' as const, id: one.id, to: one.to, amount: one.amount })),
    ...statementsOf(world).flatMap((of) => {
      const card = world.accounts.find((account) => account.id === of.account)?.kind === 'card';
      const found = of.statements.filter(({ summary }) => has(`${of.name} ${summary.closed_on} statement`)).slice(0, 4);
      return found.map(({ summary }) => ({ kind: 'statement' as const, account: of.account, name: of.name, closed_on: summary.closed_on, closing: summary.closing, card }));
    }),
    ...world.orders.filter(({ order }) => has(`${order.merchant} ${order.told.number} ${order.told.items.map((item) => item.name).join(' ')}`)).map(({ order, total }) => ({ kind: 'order' as const, id: order.id, merchant: order.merchant, number: order.told.number, total })),
    ...transactions.filter((one) => has(one.description)).map((one) => ({ kind: 'transaction' as const, id: one.id, account: one.account, description: one.description, amount: one.amount, on: one.posted_on })),
  ].slice(0, 20);
}
