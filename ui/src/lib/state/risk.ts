// How reasons look, and how a score is drawn.
import type { IconName } from '$lib/components/icons';
import type { RiskReason } from '$lib/ipc/bindings';

export const iconOfReason: Record<RiskReason, IconName> = {
  device_new: 'desktop',
  device_young: 'desktop',
  network_new: 'link',
  place_new: 'place',
  country_new: 'place',
  impossible_travel: 'place',
  odd_hour: 'soon',
  failed_tries: 'failed',
  many_failed_tries: 'failed',
  token_reused: 'key',
  foreign_proof: 'key',
  many_foreign_proofs: 'key',
  passkey_counter: 'passkey',
  passkey_changed: 'passkey',
  recovered: 'undo',
  rhythm_unlike: 'edit',
  payee_new: 'user',
  payee_young: 'user',
  method_new: 'card',
  amount_above: 'payments',
  amount_far_above: 'payments',
  burst: 'send',
  large_burst: 'send',
  drain: 'warning',
  drain_nearly_all: 'warning',
};

/** Where each verdict begins, on a scale of a hundred that is drawn a thousand wide. */
const LIMITS = [0, 30, 60, 80, 100] as const;
const GAP = 6;

export type Band = { x: number; width: number; filled: number };

export function bands(score: number): Band[] {
  return LIMITS.slice(0, -1).map((from, at) => {
    const to = LIMITS[at + 1] ?? 100;
    const x = from * 10 + (at === 0 ? 0 : GAP / 2);
    const end = to * 10 - (to === 100 ? 0 : GAP / 2);
    const filled = Math.max(0, Math.min(score * 10, end) - x);
    return { x, width: end - x, filled };
  });
}
