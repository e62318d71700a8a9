import { describe, expect, it } from 'vitest';
import { bands } from './risk';

const filled = (score: number) => bands(score).map((band) => band.filled);

describe('the scale of a score', () => {
  it('fills the bands one after another', () => {
    expect(filled(0)).toEqual([0, 0, 0, 0]);
    expect(filled(15)).toEqual([150, 0, 0, 0]);
    expect(filled(74)).toEqual([297, 294, 137, 0]);
    expect(filled(250)).toEqual([297, 294, 194, 197]);
  });

  it('lies within its drawing, with a gap between bands', () => {
    for (const [at, band] of bands(100).entries()) {
      const next = bands(100)[at + 1];
      expect(band.x + band.width).toBeLessThanOrEqual(next ? next.x - 6 : 1000);
    }
  });
});
