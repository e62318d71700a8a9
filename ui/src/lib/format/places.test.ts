import { describe, expect, it } from 'vitest';
import { formatPlace, setLocale } from '.';

describe('places', () => {
  it('names the country in the language of the person', () => {
    expect(formatPlace({ country: 'PT', city: 'Lisbon' })).toBe('Lisbon, Portugal');
    setLocale('de-DE');
    expect(formatPlace({ country: 'US', city: 'Boston' })).toBe('Boston, Vereinigte Staaten');
    expect(formatPlace({ country: 'ES', city: null })).toBe('Spanien');
  });

  it('leaves a code alone that names nothing', () => {
    expect(formatPlace({ country: 'Q', city: null })).toBe('Q');
  });
});
