import { expect, test } from 'vitest';
import { closed, idle, Slot } from '../../src/worker/slot.ts';
import { settle, virtualClock } from '../support/virtual-clock.ts';

test('a maker waits until its item is taken', async () => {
  const slot = new Slot<number>(virtualClock());
  let taken = false;
  void slot.put(1).then(() => {
    taken = true;
  });
  await settle();
  expect(taken).toBe(false);
  expect(await slot.take()).toBe(1);
  await settle();
  expect(taken).toBe(true);
});

test('a taker that waits gets the item at once', async () => {
  const slot = new Slot<number>(virtualClock());
  const taking = slot.take();
  await slot.put(1);
  expect(await taking).toBe(1);
});

test('a taker that waits in vain hears that nothing came, and leaves no timer behind when something does', async () => {
  const clock = virtualClock();
  const slot = new Slot<number>(clock);
  const taking = slot.take(1_000);
  await clock.advance(1_000);
  expect(await taking).toBe(idle);
  const again = slot.take(1_000);
  await slot.put(2);
  expect(await again).toBe(2);
  expect(clock.pending()).toBe(0);
});

test('closing throws away what waits, and releases both sides', async () => {
  const slot = new Slot<number>(virtualClock());
  const putting = slot.put(1);
  slot.close();
  await putting;
  expect(await slot.take()).toBe(closed);
  await slot.put(2);
  expect(await slot.take()).toBe(closed);
});
