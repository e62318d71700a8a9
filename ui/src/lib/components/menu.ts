import type { IconName } from './icons';

/** One thing that can be done from a row's three dots. */
export type MenuItem = { label: string; icon: IconName; danger?: boolean; act: () => void };
