import { expect, test } from 'vitest';
import { parseRequest, requestAnnotations, verbs } from '../../src/api/requests.ts';

const annotations = (request: Partial<Record<keyof typeof requestAnnotations, string>>) =>
  Object.fromEntries(Object.entries(request).map(([part, value]) => [requestAnnotations[part as keyof typeof requestAnnotations], value]));

test('without annotations there is no request', () => {
  expect(parseRequest(undefined)).toBeUndefined();
  expect(parseRequest({ 'example.org/other': 'x' })).toBeUndefined();
});

test('without an id there is none yet: who annotates one by one writes the id last', () => {
  expect(parseRequest(annotations({ verb: 'abort' }))).toBeUndefined();
});

test('every verb is understood by itself', () => {
  for (const verb of verbs) expect(parseRequest(annotations({ id: '1', verb }))).toEqual({ id: '1', verb });
});

test('a whole request is typed, the attempt a number', () => {
  const request = { id: '7', verb: 'promote', step: 'Flip', plan: 'abc', by: 'jane', reason: 'looks good' } as const;
  expect(parseRequest(annotations({ ...request, attempt: '12' }))).toEqual({ ...request, attempt: 12 });
});

test.each([
  [{ id: '1' }, 'grue.dev/request-verb: is missing'],
  [{ id: '1', verb: 'delete' }, 'grue.dev/request-verb: must be one of promote, abort, rollback, pause, resume, retry'],
  [{ id: '1', verb: 'promote', step: 'Soak' }, 'grue.dev/request-step: must be one of Provision, Flip, Teardown'],
  [{ id: '1', verb: 'abort', step: 'Flip' }, 'grue.dev/request-step: belongs to promote'],
  [{ id: '1', verb: 'abort', attempt: '0' }, 'grue.dev/request-attempt: must be a whole number from 1'],
  [{ id: '1', verb: 'abort', attempt: '1e3' }, 'grue.dev/request-attempt: must be a whole number from 1'],
  [{ id: '', verb: 'abort' }, 'grue.dev/request-id: must have at least 1 character'],
  [{ id: 'x'.repeat(129), verb: 'abort' }, 'grue.dev/request-id: must have at most 128 characters'],
])('%o is refused by the name of the annotation', (request, message) => {
  expect(() => parseRequest(annotations(request))).toThrow(expect.objectContaining({ code: 'GRUE-API-001', message }));
});
