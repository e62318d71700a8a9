// Telephone numbers as people read them.

const NORTH_AMERICAN = /^\+1(\d{3})(\d{3})(\d{4})$/;

/** "+1 555 010 7788". A number of another plan stands as it is, and so does what is no number. */
export function formatPhone(value: string): string {
  return value.replace(NORTH_AMERICAN, '+1\u00a0$1\u00a0$2\u00a0$3');
}
