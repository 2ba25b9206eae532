import { expect, test } from 'vitest';
import { randomOf } from './random.ts';

const numbers = (seed: string, name: string) => {
  const random = randomOf(seed, name);
  return Array.from({ length: 200 }, () => random.next());
};

test('a seed makes the same choices again, and another seed or name makes others', () => {
  expect(numbers('one', 'storm')).toEqual(numbers('one', 'storm'));
  expect(numbers('one', 'storm')).not.toEqual(numbers('two', 'storm'));
  expect(numbers('one', 'storm')).not.toEqual(numbers('one', 'migrations'));
});

test('numbers are spread over the whole range, and within it', () => {
  const all = numbers('one', 'storm');
  expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...all)).toBeLessThan(1);
  expect(new Set(all.map((number) => Math.floor(number * 10))).size).toBe(10);
});

test('a shuffled list has every item once', () => {
  expect([...randomOf('one', 'x').shuffled([1, 2, 3, 4, 5])].sort()).toEqual([1, 2, 3, 4, 5]);
});

test('nothing can be picked from nothing', () => {
  expect(() => randomOf('one', 'x').pick([])).toThrow('nothing to pick');
});
