// How the kinds of the security log look.
import type { IconName } from '$lib/components/icons';
import type { SecurityEventKind } from '$lib/ipc/bindings';

export const iconOf: Record<SecurityEventKind, IconName> = {
  account_created: 'user',
  device_added: 'desktop',
  signed_in: 'passkey',
  device_signed_out: 'remove',
  token_reused: 'warning',
  passkey_added: 'passkey',
  passkey_renamed: 'edit',
  passkey_removed: 'remove',
  risk_noticed: 'warning',
  address_added: 'plus',
  address_removed: 'remove',
  address_change_stopped: 'check',
  confirmed_as_mine: 'check',
  reported_as_not_mine: 'failed',
  account_locked: 'lock',
  account_restricted: 'lock',
  account_suspended: 'lock',
  account_released: 'check',
};
