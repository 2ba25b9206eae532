import type { Revision } from '../api/revision.ts';
import type { Change } from '../api/stream-migration.ts';
import type { SqlOutline } from '../drivers/ports.ts';
import type { Definition } from './graph.ts';

/** The logical definition that is frozen in a Revision. A pipeline needs the outline of its SQL. */
export function definitionOf(_revision: Revision, _outline?: SqlOutline): Definition {
  throw new Error('under construction');
}

/** An inline change on top of a definition. Where the SQL differs afterwards, the outline is the old one: the caller makes it anew. */
export function applyChange(_definition: Definition, _change: Change): Definition {
  throw new Error('under construction');
}
