import { describe, expect, it } from 'vitest';
import { en } from '$lib/i18n/en';
import { supportWords } from './events';

describe('what support wrote down', () => {
  it('names who, and what in words', () => {
    expect(supportWords('Rowan/payments', en.support)).toBe('Rowan: payments');
    expect(supportWords('Rowan/Alder/suspend', en.support)).toBe('Rowan + Alder: suspend the account');
    expect(supportWords('Rowan/something new', en.support)).toBe('Rowan: something new');
  });
});
