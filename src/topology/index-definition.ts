import type { Destination } from '../api/connection.ts';
import { GrueError } from '../api/errors.ts';
import type { Binding } from '../api/revision.ts';
import { elasticsearchMapping, parseFields } from '../records/field-types.ts';

type Json = Readonly<Record<string, unknown>>;

export interface IndexDefinition {
  readonly mappings: Json;
  /** Flat, with the names that Elasticsearch documents, without the prefix `index.`. */
  readonly settings: Json;
}

/**
 * Where each document keeps its provenance: position in the root, path, the sink Revision that wrote it, and the digest of its content
 * as four limbs of 24 bits over the projection `proj`. Sums and filters over these are the proof, so they are typed and never dynamic.
 */
const provenance: Json = {
  dynamic: 'strict',
  properties: {
    root: { type: 'keyword' },
    epoch: { type: 'integer' },
    p: { type: 'integer' },
    o: { type: 'long' },
    path: { type: 'keyword' },
    rev: { type: 'keyword' },
    h1: { type: 'integer' },
    h2: { type: 'integer' },
    h3: { type: 'integer' },
    h4: { type: 'integer' },
    proj: { type: 'keyword' },
  },
};

/**
 * Mappings and settings of a sink's index: those that follow from the fields of the stream, the user's laid over them, and ours. Without
 * another wish of the user's, an unknown field is refused: it would be a mistake, and it would change the mapping under the readers.
 * @param marker what stands in `_meta.grue`: installation, Revision, fingerprint
 * @throws GrueError GRUE-API-006 when the user's part would break ours, GRUE-API-005 for a type without a counterpart
 */
export function indexDefinition(reads: Pick<Binding, 'fields'>, destination: Destination, marker: Json): IndexDefinition {
  const { mappings = {}, settings = {} } = destination;
  const { properties = {}, _meta: meta = {}, ...others } = mappings as { readonly properties?: Json; readonly _meta?: Json } & Json;
  const wished = flat(settings);
  refuse(properties, meta, others, wished);
  const fields = Object.fromEntries(parseFields(reads.fields).map(({ name, type }) => [name, elasticsearchMapping(type)]));
  return {
    mappings: { dynamic: 'strict', ...others, _meta: { ...meta, grue: marker }, properties: { ...fields, ...properties, grue: provenance } },
    // Late operations are told from new ones by the version of a deleted document, which is kept this long; our retries are bounded by a third of it.
    settings: { ...wished, gc_deletes: '10m' },
  };
}

/** `{index: {number_of_shards: 1}}`, `{"index.number_of_shards": 1}` and `{number_of_shards: 1}` say the same. */
function flat(settings: Json, prefix = ''): Json {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]): [string, unknown][] => {
      const full = prefix === '' ? name : `${prefix}.${name}`;
      if (value !== null && typeof value === 'object' && !Array.isArray(value)) return Object.entries(flat(value as Json, full));
      return [[full.replace(/^index\./, ''), value]];
    }),
  );
}

const documented = 'Grue sets it itself';

function refuse(properties: Json, meta: Json, others: Json, settings: Json): void {
  const deny = (at: string, why: string, fix = 'take it out'): never => {
    throw new GrueError('GRUE-API-006', why, { at: `spec.destination.${at}`, fix });
  };
  const ours = Object.keys(properties).find((name) => name === 'grue' || name.startsWith('grue.'));
  if (ours !== undefined) deny(`mappings.properties.${ours}`, `the field ${ours} holds the provenance of each document`, documented);
  if ('grue' in meta) deny('mappings._meta.grue', '_meta.grue marks the index as ours', documented);
  if ('_routing' in others) deny('mappings._routing', 'custom routing would put two versions of one document into two shards');
  if ((others['_source'] as Json | undefined)?.['enabled'] === false) deny('mappings._source', 'without _source no two documents can be compared');
  if ('gc_deletes' in settings) deny('settings.gc_deletes', 'a late write must be told from a new one by the version of a deleted document', documented);
}
