// How the kinds of the security log look.
import type { IconName } from '$lib/components/icons';
import type { SecurityEventKind } from '$lib/ipc/bindings';

export const iconOf: Record<SecurityEventKind, IconName> = {
  account_created: 'user',
  device_added: 'desktop',
  signed_in: 'passkey',
  device_signed_out: 'remove',
  sign_in_declined: 'failed',
  exported: 'download',
  rhythm_turned_on: 'edit',
  rhythm_turned_off: 'edit',
  token_reused: 'warning',
  passkey_added: 'passkey',
  passkey_renamed: 'edit',
  passkey_removed: 'remove',
  risk_noticed: 'warning',
  address_added: 'plus',
  address_removed: 'remove',
  address_change_stopped: 'check',
  calendar_feed_made: 'calendar',
  calendar_feed_ended: 'remove',
  passkey_copied: 'warning',
  password_set: 'lock',
  password_changed: 'lock',
  password_removed: 'remove',
  password_kept: 'lock',
  password_let_go: 'lock',
  factor_added: 'key',
  factor_renamed: 'edit',
  factor_removed: 'remove',
  factor_refused: 'warning',
  support_allowed: 'eye',
  support_looked: 'eye',
  support_ended: 'close',
  support_asked: 'phone',
  support_did: 'phone',
  support_refused: 'phone',
  recovery_code_made: 'key',
  recovery_started: 'warning',
  recovery_stopped: 'check',
  recovery_finished: 'key',
  recovery_blocked: 'warning',
  confirmed_as_mine: 'check',
  reported_as_not_mine: 'failed',
  limits_raised: 'edit',
  limits_lowered: 'edit',
  method_added: 'wallet',
  method_removed: 'remove',
  method_replaced: 'sync',
  method_expiring: 'soon',
  autopay_set: 'sync',
  autopay_resumed: 'check',
  autopay_paused: 'held',
  autopay_ended: 'close',
  terms_accepted: 'check',
  account_locked: 'lock',
  account_restricted: 'lock',
  account_suspended: 'lock',
  account_released: 'check',
};

/** What support wrote down, "Rowan/payments" or "Rowan/Alder/suspend", in words. */
export function supportWords(name: string, words: { scopes: Record<string, string>; operations: Record<string, string> }): string {
  const parts = name.split('/');
  const what = parts.pop() ?? '';
  return `${parts.join(' + ')}: ${words.scopes[what] ?? words.operations[what] ?? what}`;
}
