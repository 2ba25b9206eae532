import { expect, test } from 'vitest';
import { deadLettersName, physicalName, revisionName } from '../../src/topology/names.ts';

test('a Revision is named by kind, name and number', () => {
  expect(revisionName('Pipeline', 'delays', 2)).toBe('pipeline-delays-2');
  expect(revisionName('Connection', 'delays-index', 10)).toBe('connection-delays-index-10');
});

test('two Revisions of two resources never share a name, whatever dashes they have', () => {
  expect(revisionName('Stream', 'a', 11)).not.toBe(revisionName('Stream', 'a-1', 1));
});

test('a physical name tells prefix, namespace, resource, number and the random suffix', () => {
  expect(physicalName('grue', 'flights', 'delays', 2, 'm3v9ab')).toBe('grue.flights.delays.2-m3v9ab');
  expect(deadLettersName(physicalName('grue', 'flights', 'delays', 2, 'm3v9ab'))).toBe('grue.flights.delays.2-m3v9ab.dead-letters');
});

test('the longest names that the API lets through fit, dead letters included', () => {
  const longest = physicalName('p'.repeat(40), 'n'.repeat(63), 'x'.repeat(40), 1_000_000, 'm3v9ab');
  expect(deadLettersName(longest).length).toBeLessThanOrEqual(249);
});

test('a name that Kafka would refuse is refused before anything is made', () => {
  expect(() => physicalName('p'.repeat(240), 'flights', 'delays', 2, 'm3v9ab')).toThrow(expect.objectContaining({ code: 'GRUE-API-001' }));
});
