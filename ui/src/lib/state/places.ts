// The places of the navigation; their order never changes.
import type { IconName } from '$lib/components/icons';
import type { Messages } from '$lib/i18n';

export type Place = { path: string; icon: IconName; name: keyof Pick<Messages['app'], 'home' | 'bills' | 'card' | 'payments' | 'statements' | 'orders' | 'wallet' | 'security' | 'settings'> };

export const places: readonly Place[] = [
  { path: '/', icon: 'home', name: 'home' },
  { path: '/bills', icon: 'bills', name: 'bills' },
  { path: '/card', icon: 'card', name: 'card' },
  { path: '/payments', icon: 'payments', name: 'payments' },
  { path: '/statements', icon: 'statements', name: 'statements' },
  { path: '/orders', icon: 'orders', name: 'orders' },
  { path: '/wallet', icon: 'wallet', name: 'wallet' },
  { path: '/security', icon: 'security', name: 'security' },
  { path: '/settings', icon: 'settings', name: 'settings' },
];

/** Under Bills: what leaves when, and what is safe until pay day. */
export const PLAN_PATH = '/bills/plan';

/** Under Bills: recurring bills found in transactions. */
export const SUGGESTIONS_PATH = '/bills/suggestions';

/** Under Bills: the proof that reminders come. */
export const REMINDERS_PATH = '/bills/reminders';

export const WALLET_PATH = '/wallet';

export const billPath = (bill: string, dueOn?: string | null) => `/bills?bill=${bill}${dueOn ? `&due=${dueOn}` : ''}`;
export const paymentPath = (payment: string) => `/payments?payment=${payment}`;
export const orderPath = (order: string) => `/orders?order=${order}`;
export const accountPath = (account: string) => `/card?account=${account}`;
export const statementPath = (account: string, closedOn: string) => `/statements?account=${account}&closed=${closedOn}`;
