import type { Destination } from '../api/connection.ts';
import type { Binding } from '../api/revision.ts';

export interface IndexDefinition {
  readonly mappings: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * Mappings and settings of a sink's index: those that follow from the fields of the stream, the user's laid over them, and ours.
 * @param marker what stands in `_meta.grue`: installation, Revision, fingerprint
 * @throws GrueError GRUE-API-006 when the user's part would break ours (a field `grue`, routing, gc_deletes)
 */
export function indexDefinition(_reads: Pick<Binding, 'fields'>, _destination: Destination, _marker: Readonly<Record<string, unknown>>): IndexDefinition {
  throw new Error('under construction');
}
