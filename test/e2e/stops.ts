import type { Phase } from '../../src/api/stream-migration.ts';
import type { Held, Workload } from './scenario.ts';

/** Phases that end with a request to Elasticsearch, which can be held back: so nobody needs luck to do something within them. */
export const stoppable = ['Provisioning', 'CatchingUp', 'Verifying', 'Flipping', 'TearingDown'] as const satisfies readonly Phase[];
export type Stoppable = (typeof stoppable)[number];

interface Asked {
  readonly method: string;
  /** The index that the request is about, unless it is about none of Grue's. */
  readonly index: string | undefined;
  /** The path without the index. */
  readonly rest: string;
}

/**
 * Lets the next migration of the workload come to each of the phases and no further, until it is let go. Called before the migration is made:
 * what is there by then is blue, and what comes is green.
 */
export async function stopsOf({ workspace: { namespace, search }, gate }: Workload): Promise<(phase: Stoppable) => Held> {
  const indices = (await search(`_cat/indices/*.${namespace}.*?format=json&expand_wildcards=all`)) as readonly { readonly index: string }[];
  const blue = new Set(indices.map(({ index }) => index));
  const parse = (method: string, path: string): Asked => {
    const [, index, rest = ''] = new RegExp(`^/([^/?_]+\\.${namespace}\\.[^/?]+?)(?:\\.writer)?((?:[/?].*)?)$`).exec(path) ?? [];
    return { method, index, rest: index === undefined ? path : rest };
  };
  return (phase) => {
    let views = 0;
    const ends: Readonly<Record<Stoppable, (asked: Asked, isGreen: boolean) => boolean>> = {
      Provisioning: ({ method, rest }, isGreen) => isGreen && method === 'PUT' && !rest.startsWith('/'),
      CatchingUp: ({ rest }, isGreen) => isGreen && rest.startsWith('/_bulk'),
      // it is called so after the first of two verdicts
      Verifying: ({ rest }, isGreen) => {
        if (isGreen && rest.startsWith('/_pit')) views += 1;
        return isGreen && rest.startsWith('/_pit') && views > 1;
      },
      Flipping: ({ method, rest }) => method === 'POST' && rest.startsWith('/_aliases'),
      TearingDown: ({ method, index, rest }) => method === 'DELETE' && index !== undefined && blue.has(index) && !rest.startsWith('/'),
    };
    return gate.hold((method, path) => {
      const asked = parse(method, path);
      return ends[phase](asked, asked.index !== undefined && !blue.has(asked.index));
    });
  };
}
