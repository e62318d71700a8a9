// What is typed about a payment plan, read exactly.
import { editMoney, parseMoney } from '$lib/format';
import type { Plan, PlanEdit, PlanKind } from '$lib/ipc/bindings';
import { editShare, parseShare } from './terms';

export type TypedPlan = {
  kind: 'equal' | 'deferred';
  name: string;
  amount: string;
  openedOn: string;
  left: string;
  leftOn: string;
  rate: string;
  monthly: string;
  endsOn: string;
  accrued: string;
};
export type WrongPlan = keyof Omit<TypedPlan, 'kind'>;

export function typedPlan(plan: Plan | null, today: string): TypedPlan {
  const none: TypedPlan = { kind: 'deferred', name: '', amount: '', openedOn: '', left: '', leftOn: today, rate: '', monthly: '', endsOn: '', accrued: '' };
  if (!plan) return none;
  const { equal_payments: equal, deferred_interest: deferred } = plan.kind;
  return {
    ...none,
    kind: equal ? 'equal' : 'deferred',
    name: plan.name,
    amount: editMoney(plan.amount),
    openedOn: plan.opened_on,
    left: editMoney(plan.left),
    leftOn: plan.left_on,
    rate: editShare(plan.apr),
    monthly: equal ? editMoney(equal.monthly) : '',
    endsOn: deferred?.ends_on ?? '',
    accrued: deferred?.accrued ? editMoney(deferred.accrued) : '',
  };
}

export function readPlan(typed: TypedPlan, id: string | null, currency: string): { plan: PlanEdit | null; wrong: ReadonlySet<WrongPlan> } {
  const wrong = new Set<WrongPlan>();
  const zero = { minor: 0, currency };
  const money = (name: WrongPlan, least: number) => {
    const read = parseMoney(typed[name], currency);
    if (read === null || read.minor < least) wrong.add(name);
    return read ?? zero;
  };
  const day = (name: WrongPlan) => {
    if (!/^\d{4}-\d{2}-\d{2}$/.test(typed[name])) wrong.add(name);
    return typed[name];
  };
  const name = typed.name.trim();
  if (name === '') wrong.add('name');
  const amount = money('amount', 1);
  const left = money('left', 0);
  if (left.minor > amount.minor) wrong.add('left');
  const opened_on = day('openedOn');
  const left_on = day('leftOn');
  if (left_on < opened_on) wrong.add('leftOn');
  const apr = typed.rate.trim() === '' && typed.kind === 'equal' ? 0 : parseShare(typed.rate);
  if (apr === null) wrong.add('rate');
  let kind: PlanKind;
  if (typed.kind === 'equal') {
    kind = { equal_payments: { monthly: money('monthly', 1) } };
  } else {
    const ends_on = day('endsOn');
    if (ends_on <= opened_on) wrong.add('endsOn');
    kind = { deferred_interest: { ends_on, accrued: typed.accrued.trim() === '' ? null : money('accrued', 0) } };
  }
  return { plan: wrong.size === 0 ? { id, name, kind, apr: apr ?? 0, amount, opened_on, left, left_on } : null, wrong };
}
