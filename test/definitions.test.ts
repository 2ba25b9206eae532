import { describe, expect, test } from 'vitest';
import type { GrueError } from '../src/api/errors.ts';
import type { KubeApi } from '../src/controller/kube/api.ts';
import { KubeError } from '../src/controller/kube/errors.ts';
import { checkDefinitions } from '../src/definitions.ts';
import { recordingLogger } from './support/recording-logger.ts';

const signal = new AbortController().signal;

/** A cluster whose CRDs are as `annotations` says; with an error it answers that. */
async function check(annotations: Readonly<Record<string, string>> | KubeError) {
  const logger = recordingLogger();
  const get = async () => {
    if (annotations instanceof KubeError) throw annotations;
    return { metadata: { name: 'x', annotations } };
  };
  const failure = await checkDefinitions({ get } as unknown as Pick<KubeApi, 'get'>, logger, signal).then(
    () => undefined,
    (error: GrueError) => error.line,
  );
  return { failure, said: logger.lines.map(({ message }) => message) };
}

describe('the CRDs of the cluster', () => {
  test('that are those of the operator are good', async () => {
    expect(await check({ 'grue.dev/crd-version': '1' })).toEqual({ failure: undefined, said: [] });
  });

  test('that are newer stop the operator before it does anything', async () => {
    expect((await check({ 'grue.dev/crd-version': '2' })).failure).toMatch(
      /^GRUE-API-009: .*platforms\.grue\.dev is of version 2, and this operator knows version 1/,
    );
  });

  test('that are older, or have no version, stop it too: the server would drop fields that it needs', async () => {
    expect((await check({})).failure).toContain('is of version 0, and this operator needs version 1 (upgrade the CRDs');
  });

  test('that are not there are named', async () => {
    expect((await check(new KubeError('NotFound', 'no'))).failure).toContain('there is no CustomResourceDefinition platforms.grue.dev (install the CRDs');
  });

  test('that it may not read are not looked at, and it says so', async () => {
    expect(await check(new KubeError('Forbidden', 'may not'))).toEqual({ failure: undefined, said: ['the versions of the CRDs are not looked at'] });
  });

  test('are not judged while the server does not answer', async () => {
    const get = () => Promise.reject(new KubeError('Unavailable', 'no answer'));
    await expect(checkDefinitions({ get }, recordingLogger(), signal)).rejects.toMatchObject({ kind: 'Unavailable' });
  });
});
