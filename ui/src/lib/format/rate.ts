// Yearly rates: whole millionths, shown as percent by CLDR.
import { locale } from './locale';

const MILLIONTHS = 1_000_000;

/** 279,900 is "27.99%", with the decimals that it has. */
export function formatRate(millionths: number): string {
  const format = new Intl.NumberFormat(locale(), { style: 'percent', minimumFractionDigits: 0, maximumFractionDigits: 4 });
  return format.format(millionths / MILLIONTHS);
}
