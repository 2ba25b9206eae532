import { expect, test } from 'vitest';
import { canaries } from './canaries.ts';

test('a canary is found as it is, and in the base64 of any text that holds it', () => {
  const { sing, forms } = canaries();
  const [one, other] = [sing(), sing()];
  expect(one).not.toBe(other);
  for (const text of [one, `{"password":"${one}"}`, ...['', 'u', 'us', 'use'].map((user) => Buffer.from(`${user}:${one}.`).toString('base64'))]) {
    expect(
      new Set(
        forms()
          .filter(({ form }) => text.includes(form))
          .map(({ canary }) => canary),
      ),
    ).toEqual(new Set([one]));
  }
});
