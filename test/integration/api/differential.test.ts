import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { apiVersion } from '../../../src/api/common.ts';
import { type Kind, kinds } from '../../../src/api/kinds.ts';
import { objects } from '../../api/objects.ts';
import { strict } from '../../api/strict.ts';
import { ask, installCrds } from './server.ts';

const runs = Number(process.env['GRUE_DIFFERENTIAL_RUNS'] ?? 150);

beforeAll(installCrds);

/** What `kubectl apply --dry-run=server --validate=strict` is told. */
async function serverSays(kind: Kind, object: object) {
  const { code, body } = await ask('POST', `/apis/${apiVersion}/namespaces/default/${kinds[kind].plural}?dryRun=All&fieldValidation=Strict`, object);
  const accepted = code === 201;
  if (!accepted && code !== 400 && code !== 422) throw new Error(`the server answers ${code}: ${JSON.stringify(body)}`);
  return { accepted, spec: (body as { spec?: unknown }).spec, message: (body as { message?: string }).message };
}

describe.each(Object.keys(kinds) as Kind[])('%s', (kind) => {
  const definition = kinds[kind];
  const schema = strict(
    z.object({
      apiVersion: z.literal(apiVersion),
      kind: z.literal(kind),
      metadata: z.object({ name: definition.name, namespace: z.string() }),
      spec: definition.spec,
    }),
  );

  test('zod and the API server judge every object alike, and set the same defaults', async () => {
    const seen = { accepted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(objects(kind), async (object) => {
        const ours = schema.safeParse(object);
        const theirs = await serverSays(kind, object);
        seen[theirs.accepted ? 'accepted' : 'refused'] += 1;
        expect(ours.success, `zod: ${ours.error?.message ?? 'fine'}\nserver: ${theirs.message ?? 'fine'}`).toBe(theirs.accepted);
        if (ours.success) expect(JSON.parse(JSON.stringify(ours.data.spec))).toEqual(theirs.spec);
      }),
      { numRuns: runs },
    );
    expect(Math.min(seen.accepted, seen.refused), JSON.stringify(seen)).toBeGreaterThan(runs / 6);
  });
});
