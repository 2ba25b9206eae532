import { GrueError } from '../../../../src/api/errors.ts';
import { writerAlias } from '../../../../src/drivers/elasticsearch/indices.ts';
import type { Claim, SearchCluster } from '../../../../src/drivers/ports.ts';
import type { MemoryIndex } from './index.ts';
import type { Indices } from './indices.ts';

/** Where the real driver keeps a claim: the document `claim` of the index `<prefix>.registry`. */
const ID = 'claim';

/** The part of the port that is about claims. */
export function claims(indices: Indices, reach: (signal: AbortSignal) => void): Pick<SearchCluster, 'claim' | 'release' | 'takeOver'> {
  const holder = (prefix: string): string | undefined => {
    const source = indices.get(`${prefix}.registry`)?.stored.get(ID)?.source;
    return source === undefined ? undefined : String(source['installation'] ?? 'unknown (its claim cannot be read)');
  };
  const stand = (prefix: string, installation: string): Claim => {
    registryOf(indices, `${prefix}.registry`).write({ action: 'index', id: ID, source: { installation } });
    return { outcome: 'Ours' };
  };
  const claim = (prefix: string, installation: string): Claim => {
    const standing = holder(prefix);
    if (standing === undefined) return stand(prefix, installation);
    return standing === installation ? { outcome: 'Ours' } : { outcome: 'Others', installation: standing };
  };
  return {
    claim: async (prefix, installation, signal) => {
      reach(signal);
      return claim(prefix, installation);
    },
    release: async (prefix, installation, signal) => {
      reach(signal);
      if (holder(prefix) === installation) indices.get(`${prefix}.registry`)?.write({ action: 'delete', id: ID });
    },
    takeOver: async (prefix, installation, signal) => {
      reach(signal);
      return stand(prefix, installation);
    },
  };
}

/** @throws GrueError GRUE-KFK-002 when an index of that name is somebody else's */
function registryOf(indices: Indices, name: string): MemoryIndex {
  const found = indices.get(name);
  if (found && found.facts.meta?.['grueRegistry'] !== true)
    throw new GrueError('GRUE-KFK-002', `index ${name} exists and is not ours`, { fix: 'rename or remove it, or use another prefix in the Platform' });
  if (found) return found;
  const made = indices.make({ name, mappings: { dynamic: false, _meta: { grueRegistry: true } }, settings: { hidden: true } });
  made.aliases.set(writerAlias(name), { isHidden: true });
  return made;
}
