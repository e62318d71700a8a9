// What the account's standing means for the screens.
import type { Standing } from '$lib/ipc/bindings';

/** No money may leave, whoever it is for. */
export const stopsMoney = (standing: Standing): boolean => standing.restraint !== null && standing.restraint.level !== 'restricted';
