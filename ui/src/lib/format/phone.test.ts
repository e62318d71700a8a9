import { expect, it } from 'vitest';
import { formatPhone } from '.';

it('groups a number of North America and leaves any other text alone', () => {
  expect(formatPhone('+15550107788')).toBe('+1\u00a0555\u00a0010\u00a07788');
  expect(formatPhone('+4930123456')).toBe('+4930123456');
  expect(formatPhone('ines@example.org')).toBe('ines@example.org');
});
