import { expect, test } from 'vitest';
import { asRefusal } from '../../src/cli/refusal.ts';
import { errorOfStatus } from '../../src/controller/kube/errors.ts';

const refused = (message: string) => asRefusal(errorOfStatus('patch streammigrations flights/delays', 403, { message }));

test('of the words of an admission policy its reason is shown', () => {
  const message =
    'streammigrations.grue.dev "delays" is forbidden: ValidatingAdmissionPolicy \'flights-grue-requests\' with binding \'flights-grue-requests\' denied request: alice may not promote: verb "promote" is missing';
  expect(refused(message)).toMatchObject({ line: 'GRUE-CLI-003: alice may not promote: verb "promote" is missing' });
});

test('of the words of RBAC it is shown what the user cannot do', () => {
  const message = 'streammigrations.grue.dev "delays" is forbidden: User "victor" cannot patch resource "streammigrations" in the namespace "flights"';
  expect(refused(message)).toMatchObject({ line: 'GRUE-CLI-003: User "victor" cannot patch resource "streammigrations" in the namespace "flights"' });
});

test('another refusal is shown whole', () => {
  expect(refused('no more objects')).toMatchObject({ line: 'GRUE-CLI-003: patch streammigrations flights/delays: no more objects' });
});

test('an error that is no refusal stays what it is', () => {
  const error = errorOfStatus('get streams flights/delays', 404, { message: 'not found' });
  expect(asRefusal(error)).toBe(error);
});
