import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Kind, kinds } from '../../src/api/kinds.ts';
import { judge } from '../../src/api/problems.ts';
import { specs, statuses } from '../api/objects.ts';

describe.each(Object.keys(kinds) as Kind[])('%s', (kind) => {
  const schema = z.object({ spec: kinds[kind].spec, status: kinds[kind].status });
  const judged = fc.record({ spec: specs(kind), status: statuses(kind) }).map((object) => judge(schema, object));

  test('parsing is idempotent: what has been parsed once is valid and stays as it is', () => {
    fc.assert(
      fc.property(judged, (once) => {
        if ('value' in once) expect(judge(schema, once.value)).toEqual({ value: once.value });
      }),
    );
  });

  test('whatever is wrong is said with a path into the object, in words that are not those of a library', () => {
    fc.assert(
      fc.property(judged, (once) => {
        for (const { path, what } of 'problems' in once ? once.problems : []) {
          expect(path).toMatch(/^(spec|status)(\.|\[|$)/);
          expect(what).not.toMatch(/^$|Invalid|expected|received/);
        }
      }),
    );
  });
});
