// What screens are easily forgotten with: many accounts, long and foreign names, very large and negative amounts, currencies
// without decimals and with three.
import type { Money } from '../bindings';
import { usd } from './bills';
import type { World } from './world';

const LONGEST = 'Grundstücksverkehrsgenehmigungszuständigkeitsübertragung';
const ACCOUNTS = 30;
/** As many digits as an amount of this size has anywhere. */
const LARGE = 123_456_789_012;

/** Fills the world to its brim; what it is about stays what it was. */
export function crowded(world: World): void {
  const names = [LONGEST, 'حساب الكهرباء والمياه للمنزل القديم', 'Millbrook Valley Community Water and Sewer Authority', 'שכר דירה', '電力料金 🏠'];
  const amounts: (Money | undefined)[] = [usd(LARGE), { minor: 1_234_567, currency: 'KWD' }, undefined, undefined, { minor: 184_000, currency: 'JPY' }];
  world.book.bills = world.book.bills.map((bill, at) => ({ ...bill, name: names[at] ?? bill.name, amount: amounts[at] ?? bill.amount }));
  world.book.payments = world.book.payments.map((payment, at) => ({ ...payment, to: names[at] ?? payment.to, amount: amounts[at] ?? payment.amount }));
  const [card, checking] = world.accounts;
  if (!card || !checking) return;
  const more = Array.from({ length: ACCOUNTS - world.accounts.length }, (_, at) => ({
    ...checking,
    id: `account-more-${at + 1}`,
    name: at === 0 ? `${LONGEST} ··0001` : `Tern Harbor Savings ··${String(at + 1).padStart(4, '0')}`,
    balance: usd(at % 3 === 0 ? -LARGE : 1_250 * at),
  }));
  // A card that was paid too much, and an account below zero.
  world.accounts = [{ ...card, name: `${LONGEST} ··4417`, balance: usd(4_512) }, { ...checking, balance: usd(-8_204) }, ...more];
}
