// What a plan that does not fit means.
import type { PayPlanFigures } from '$lib/ipc/bindings';

/** The money lasts, and only less is left than is to be kept back. */
export function breaksOnlyWish({ short, safe }: PayPlanFigures): boolean {
  return short !== null && short.by.minor <= safe.keep.minor;
}
