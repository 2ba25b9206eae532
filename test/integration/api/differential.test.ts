import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { apiVersion } from '../../../src/api/common.ts';
import { type Kind, kinds } from '../../../src/api/kinds.ts';
import { breaks } from '../../api/breaks.ts';
import { examples } from '../../api/examples.ts';
import { objects, statuses } from '../../api/objects.ts';
import { strict } from '../../api/strict.ts';
import { type Answer, ask, installCrds, makeNamespace, removeNamespace } from './server.ts';

/** Objects per kind and property. By hand the schemas have stood 2,000. */
const runs = Number(process.env['GRUE_DIFFERENTIAL_RUNS'] ?? 100);

/** Shrinking a counterexample takes requests too: it ends early enough for the failure to be told. */
const milliseconds = Math.max(45_000, runs * 400);
const patience = { numRuns: runs, interruptAfterTimeLimit: milliseconds };
const timeout = milliseconds + 15_000;

let namespace = '';
beforeAll(async () => {
  await installCrds();
  namespace = await makeNamespace();
});
afterAll(() => removeNamespace(namespace));

// What kubectl asks for with --dry-run=server --validate=strict.
const dryRun = '?dryRun=All&fieldValidation=Strict';

interface Verdict {
  readonly accepted: boolean;
  /** The part in question as the server would store it. */
  readonly stored: unknown;
  readonly message: string;
}

function verdictOf({ code, body }: Answer, part: 'spec' | 'status'): Verdict {
  const { message = 'fine', [part]: stored } = body as { message?: string; spec?: unknown; status?: unknown };
  if (code !== 200 && code !== 201 && code !== 400 && code !== 422) throw new Error(`the server answers ${code}: ${message}`);
  return { accepted: code < 300, stored, message };
}

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe.each(Object.keys(kinds) as Kind[])('%s', (kind) => {
  const definition = kinds[kind];
  const metadata = z.object({ name: definition.name, namespace: z.string() });
  const schema = strict(z.object({ apiVersion: z.literal(apiVersion), kind: z.literal(kind), metadata, spec: definition.spec }));
  const statusSchema = strict(z.object({ status: definition.status.optional() }));
  const collection = () => `/apis/${apiVersion}/namespaces/${namespace}/${definition.plural}`;
  const example = (name: string) => ({ apiVersion, kind, metadata: { name, namespace }, spec: examples[kind] });

  test('zod and the API server judge every object alike, and set the same defaults', { timeout }, async () => {
    const seen = { accepted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(objects(kind), async (object) => {
        const placed = { ...object, metadata: { ...object.metadata, namespace } };
        const ours = schema.safeParse(placed);
        const theirs = verdictOf(await ask('POST', collection() + dryRun, placed), 'spec');
        seen[theirs.accepted ? 'accepted' : 'refused'] += 1;
        expect(ours.success, `zod: ${ours.error?.message ?? 'fine'}\nserver: ${theirs.message}`).toBe(theirs.accepted);
        if (ours.success) expect(asJson(ours.data.spec)).toEqual(theirs.stored);
      }),
      patience,
    );
    expect(Math.min(seen.accepted, seen.refused) / runs, JSON.stringify(seen)).toBeGreaterThan(0.1);
  });

  test('zod and the API server judge every status alike', { timeout }, async () => {
    const { body: created } = await ask('POST', collection(), example('status'));
    const seen = { accepted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(statuses(kind), async (status) => {
        const ours = statusSchema.safeParse({ status });
        const theirs = verdictOf(await ask('PUT', `${collection()}/status/status${dryRun}`, { ...(created as object), status }), 'status');
        seen[theirs.accepted ? 'accepted' : 'refused'] += 1;
        expect(ours.success, `zod: ${ours.error?.message ?? 'fine'}\nserver: ${theirs.message}`).toBe(theirs.accepted);
      }),
      patience,
    );
    expect(Math.min(seen.accepted, seen.refused) / runs, JSON.stringify(seen)).toBeGreaterThan(0.1);
  });

  for (const [message, spec] of Object.entries(breaks[kind])) {
    test(`the API server says: ${message}`, async () => {
      const theirs = verdictOf(await ask('POST', collection() + dryRun, { ...example('broken'), spec }), 'spec');
      expect(theirs.accepted).toBe(false);
      expect(theirs.message).toContain(message);
    });
  }
});
