// A text that ends with a stop of its own ("9. Nov.", "4 p.m.") takes none of the sentence around it.

const TWICE = /(?<!\.)\.\.(?!\.)/g;

/** The same words, without a second stop where what was put in ends with one. */
export function withSingleStops<T>(words: T): T {
  if (typeof words === 'function') {
    return ((...given: unknown[]) => {
      const text: unknown = words(...given);
      return typeof text === 'string' ? text.replace(TWICE, '.') : text;
    }) as T;
  }
  if (typeof words !== 'object' || words === null || Array.isArray(words)) return words;
  return Object.fromEntries(Object.entries(words).map(([name, inner]) => [name, withSingleStops(inner)])) as T;
}

/** Sentences one after the other; what is empty is left out. */
export function sentences(parts: readonly string[]): string {
  return parts.filter(Boolean).join('. ').replace(TWICE, '.');
}
