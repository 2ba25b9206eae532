import { expect, test } from 'vitest';
import { BadWindow } from '../../src/worker/bad-window.ts';

test('bad records among few pass, however many they are', () => {
  expect(new BadWindow().allows(999, 999)).toBe(true);
});

test('among a thousand, one per cent pass and more do not', () => {
  expect(new BadWindow().allows(1_000, 10)).toBe(true);
  expect(new BadWindow().allows(1_000, 11)).toBe(false);
});

test('many small batches count together', () => {
  const window = new BadWindow();
  for (let n = 0; n < 99; n++) {
    expect(window.allows(10, 1)).toBe(true);
    window.passed(10, 1);
  }
  expect(window.allows(10, 1)).toBe(false);
});

test('a batch without bad records passes also when the window is full of them', () => {
  const window = new BadWindow();
  window.passed(999, 999);
  expect(window.allows(10, 0)).toBe(true);
});

test('asking does not count', () => {
  const window = new BadWindow();
  for (let n = 0; n < 10; n++) expect(window.allows(500, 500)).toBe(true);
});

test('a long clean past does not hide what comes in now', () => {
  const window = new BadWindow();
  for (let n = 0; n < 1_000; n++) window.passed(1_000, 0);
  expect(window.allows(1_000, 500)).toBe(false);
});

test('forgiven, a window passes whole, and then it counts again', () => {
  const window = new BadWindow();
  window.forgive();
  expect(window.allows(20_000, 20_000)).toBe(true);
  window.passed(20_000, 20_000);
  expect(window.allows(1_000, 11)).toBe(false);
});
