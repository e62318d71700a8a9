import { describe, expect, it } from 'vitest';
import { de } from './de';
import { en } from './en';
import { es } from './es';
import { formatDay } from '$lib/format';
import { explain, getMessages, sentences, speak } from '.';

type Tree = { [key: string]: unknown };

/** Every message under its path. */
function flat(tree: Tree, path = ''): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [key, value] of Object.entries(tree)) {
    const here = path ? `${path}.${key}` : key;
    if (typeof value === 'object' && value !== null) for (const [inner, one] of flat(value as Tree, here)) found.set(inner, one);
    else found.set(here, value);
  }
  return found;
}

/** A message with its arguments as marks: what a translation must still say. */
function marked(message: unknown, numbers: number): { text: string; marks: string[] } {
  if (typeof message !== 'function') return { text: String(message), marks: [] };
  const values = Array.from({ length: message.length }, (_, at) => (numbers & (1 << at) ? 40 + at : `<${at}>`));
  try {
    const text = String((message as (...args: unknown[]) => string)(...values));
    return { text, marks: values.map(String).filter((value) => text.includes(value)) };
  } catch {
    // Some arguments are lists or numbers only; the next combination fits.
    return { text: '', marks: [] };
  }
}

const english = flat(en);

describe.each([
  ['es', es],
  ['de', de],
])('%s', (name, messages) => {
  const other = flat(messages as unknown as Tree);

  it('has the same messages as English, no more and no fewer', () => {
    expect([...other.keys()].toSorted()).toEqual([...english.keys()].toSorted());
  });

  it('takes the same arguments and says each that English says', () => {
    for (const [path, message] of english) {
      const translated = other.get(path);
      expect(typeof translated, path).toBe(typeof message);
      if (typeof message !== 'function' || typeof translated !== 'function') continue;
      for (let numbers = 0; numbers < 1 << message.length; numbers += 1) {
        const wanted = marked(message, numbers).marks;
        const said = marked(translated, numbers).text;
        for (const mark of wanted) expect(said, `${path} leaves out ${mark}`).toContain(mark);
      }
    }
  });

  it('leaves no message empty, and is not English', () => {
    let same = 0;
    for (const [path, message] of other) {
      if (typeof message === 'string') expect(message.trim(), path).not.toBe('');
      if (typeof message === 'string' && message === english.get(path) && message.length > 12) same += 1;
    }
    expect(same, `${name} texts that are still English`).toBeLessThan(3);
  });
});

it('says “above” in each language where more than an amount is asked about, not that amount itself', () => {
  const asks = [en, es, de].map((words) => [words.autopay.upTo('$5'), words.autopay.asks.warns('$5'), words.autopay.cap, words.autopay.warn].join(' '));
  expect(asks[2]).not.toMatch(/\bab\b/);
  expect(asks[2]?.match(/über/g)).toHaveLength(4);
  expect(asks[1]).not.toMatch(/a partir/);
});

it('keeps the tone: no exclamation marks, no "please"', () => {
  for (const [path, message] of english) {
    const { text } = marked(message, 0);
    expect(text, path).not.toMatch(/!|\bplease\b|\boops\b|\bsimply\b/i);
  }
});

it('speaks the first language that it knows, and English otherwise', () => {
  expect(speak(['fr-FR', 'de-AT', 'en'])).toBe('de');
  expect(getMessages().app.cancel).toBe(de.app.cancel);
  expect(speak(['fr-FR'])).toBe('en');
});

it('explains a code it knows in its own words and keeps the words of one it does not know', () => {
  expect(explain({ code: 'disk_full', message: 'x', next: 'y' }).title).toBe(en.errors.disk_full[0]);
  expect(explain({ code: 'new_code', message: 'the moon is full', next: 'wait' })).toEqual({ title: 'The moon is full.', next: 'Wait.' });
});

it('puts no second stop behind a date that ends with one', () => {
  speak(['de-DE']);
  const day = formatDay('2026-11-19');
  expect(day).toBe('Do., 19.\u00a0Nov.');
  expect(getMessages().card.served.dueStays(day)).toMatch(/19\.\u00a0Nov\.$/);
  expect(sentences([day, '', 'Grund'])).toBe('Do., 19.\u00a0Nov. Grund');
  speak(['en-US']);
  expect(getMessages().card.served.pay.due(formatDay('2026-11-19'))).toBe('The minimum is due Thu, Nov\u00a019.');
});

it('says of what cards, wallets, rewards and disputes refuse why, and not as of a payment', () => {
  const codes = ['dispute_too_late', 'reason_decided', 'plan_too_late', 'card_over', 'over_limit', 'rewards_short', 'wallet_full', 'answer_lost', 'done_before'] as const;
  for (const language of [en, de, es]) {
    const { errors } = language;
    const ofPayments = [errors.too_late, errors.version_conflict, errors.insufficient_funds].map(([title]) => title);
    for (const code of codes) expect([code, ofPayments.includes(errors[code][0])]).toEqual([code, false]);
  }
});
