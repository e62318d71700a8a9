import { describe, expect, it } from 'vitest';
import { decimalsOf, editMoney, figureClass, formatFlow, formatMark, formatMoney, formatSum, parseMoney, setLocale, subtractMoney, sumByCurrency } from '.';

const usd = (minor: number) => ({ minor, currency: 'USD' });

describe('formatMoney', () => {
  it('always shows the currency and its decimals', () => {
    expect(formatMoney(usd(9417))).toBe('$94.17');
    expect(formatMoney(usd(5))).toBe('$0.05');
    expect(formatMoney({ minor: 1234, currency: 'JPY' })).toBe('¥1,234');
    expect(formatMoney({ minor: 1234, currency: 'KWD' })).toBe('KWD\u00a01.234');
  });

  it('writes a minus as a minus sign, and a plus where asked', () => {
    expect(formatMoney(usd(-3199))).toBe('\u2212$31.99');
    expect(formatMoney(usd(3199), { plus: true })).toBe('+$31.99');
    expect(formatMoney(usd(0), { plus: true })).toBe('$0.00');
  });

  it('marks a guess', () => {
    expect(formatMoney(usd(6100), { estimated: true })).toBe('≈\u00a0$61.00');
  });

  it('stays exact to the last cent that can be kept', () => {
    expect(formatMoney(usd(Number.MAX_SAFE_INTEGER))).toBe('$90,071,992,547,409.91');
  });

  it('follows the region', () => {
    setLocale('de-DE');
    expect(formatMoney({ minor: 123450, currency: 'EUR' })).toBe('1.234,50\u00a0€');
  });
});

describe('parseMoney', () => {
  it.each([
    ['94.17', 9417],
    ['$1,234.50', 123450],
    ['1.234,50', 123450],
    ['1 234,5', 123450],
    ['.5', 50],
    ['1,234', 123400],
    ['0', 0],
  ])('reads %s', (text, minor) => {
    expect(parseMoney(text, 'USD')).toEqual(usd(minor));
  });

  it.each(['', 'abc', '1.2.3', '1,23,4', '12.345', '--5', '99999999999999999'])('reads nothing from %s', (text) => {
    expect(parseMoney(text, 'USD')).toBeNull();
  });

  it('knows currencies without decimals and with three', () => {
    expect(parseMoney('1,234', 'JPY')).toEqual({ minor: 1234, currency: 'JPY' });
    expect(parseMoney('12.5', 'JPY')).toBeNull();
    expect(parseMoney('1.234', 'KWD')).toEqual({ minor: 1234, currency: 'KWD' });
    expect(decimalsOf('KWD')).toBe(3);
  });

  it('refuses a fraction in another mark than the person’s, where it could be thousands', () => {
    for (const tag of ['de-DE', 'es-ES']) {
      setLocale(tag);
      for (const text of ['0.500', '1.234', '12.500']) expect(parseMoney(text, 'KWD'), `${tag} ${text}`).toBeNull();
      expect(parseMoney('0.500', 'USD'), tag).toBeNull();
      expect(parseMoney('0,500', 'KWD')).toEqual({ minor: 500, currency: 'KWD' });
      expect(parseMoney('1.234,500', 'KWD')).toEqual({ minor: 1_234_500, currency: 'KWD' });
      expect(parseMoney('1.234', 'EUR')).toEqual({ minor: 123_400, currency: 'EUR' });
    }
    setLocale('en-US');
    expect(parseMoney('1,234', 'KWD')).toBeNull();
    expect(parseMoney('0,500', 'USD')).toBeNull();
    expect(parseMoney('1,234.500', 'KWD')).toEqual({ minor: 1_234_500, currency: 'KWD' });
  });

  it('reads back what it offers for typing over, in every language', () => {
    for (const tag of ['en-US', 'de-DE', 'es-ES']) {
      setLocale(tag);
      for (const minor of [1, 99, 100, 123456, -4200]) expect(parseMoney(editMoney(usd(minor)), 'USD')).toEqual(usd(minor));
    }
  });
});

describe('sums', () => {
  it('keeps currencies apart', () => {
    const sums = sumByCurrency([usd(100), { minor: 300, currency: 'EUR' }, usd(250)]);
    expect(sums).toEqual([usd(350), { minor: 300, currency: 'EUR' }]);
    expect(formatSum(sums)).toBe('$3.50 + €3.00');
    expect(() => subtractMoney(usd(1), { minor: 1, currency: 'EUR' })).toThrow();
  });

  it('signs a movement by where it happened', () => {
    expect(formatFlow(usd(-6490))).toBe('$64.90');
    expect(formatFlow(usd(3199))).toBe('+$31.99');
    expect(formatFlow(usd(3199), true)).toBe('\u2212$31.99');
  });

  it('rounds only for marks in charts', () => {
    expect(formatMark(usd(26875), false)).toBe('269');
    expect(formatMark(usd(6100), true)).toBe('≈61');
    expect(formatMark(usd(123_456_789_012), false)).toBe('1.2B');
    expect(formatMark(usd(9_999_900), false)).toBe('99,999');
    expect(formatMark({ minor: 179_800, currency: 'JPY' }, false)).toBe('179.8K');
  });
});

it('sets a figure of many digits smaller, so that it stays whole', () => {
  setLocale('en');
  const sizes = [usd(123_456), usd(1_234_567_890), usd(-370_370_009_616)].map((money) => figureClass(formatMoney(money)).split(' ')[0]);
  expect(sizes).toEqual(['figure-xl', 'figure-lg', 'figure-md']);
  expect(figureClass(formatSum([usd(123_456), { minor: 179_800, currency: 'JPY' }])), 'a sum breaks between currencies').toBe('figure-md');
});
