import type { z } from 'zod';
import { connectionSpec } from '../api/connection.ts';
import { pipelineSpec } from '../api/pipeline.ts';
import { judge, schemaError } from '../api/problems.ts';
import type { Revision } from '../api/revision.ts';
import { streamSpec } from '../api/stream.ts';
import type { Change } from '../api/stream-migration.ts';
import type { SqlOutline } from '../drivers/ports.ts';
import type { Definition } from './graph.ts';
import { keyOf } from './graph.ts';

/**
 * The logical definition that is frozen in a Revision: what planning was given. Spellings are those of the spec; defaults may be filled in.
 * @param outline of the SQL of a pipeline; required for one
 * @throws TypeError when a Revision does not hold the part that its kind says, or the outline is missing: a fault of ours
 */
export function definitionOf(revision: Revision, outline?: SqlOutline): Definition {
  const { kind, name } = revision.spec.of;
  const spec = logicalSpecOf(revision);
  if (kind !== 'Pipeline') return { kind, name, spec } as Definition;
  if (outline === undefined) throw new TypeError(`the outline of the SQL of Revision ${revision.metadata.name} is missing`);
  return { kind, name, spec, outline } as Definition;
}

/** The spec of the logical resource that would say what a Revision is. @throws TypeError when it does not hold the part that its kind says: a fault of ours */
export function logicalSpecOf({ metadata, spec: frozen }: Revision): Definition['spec'] {
  const { of, platform, stream, pipeline, connection, physical } = frozen;
  const platformRef = { name: platform.name };
  if (of.kind === 'Stream' && stream) {
    const { type, fields, keys, orderingField, external, partitions } = stream;
    return {
      platformRef,
      type,
      schema: { fields: [...fields] },
      ...(external ? { external: { topic: physical.topic ?? '' } } : { partitions }),
      ...(keys ? { keys } : {}),
      ...(orderingField === undefined ? {} : { ordering: { field: orderingField } }),
    };
  }
  if (of.kind === 'Pipeline' && pipeline) return { platformRef, engine: pipeline.engine, sql: pipeline.sql };
  if (of.kind === 'Connection' && connection) {
    const { connector, destination, keepVersions, reads } = connection;
    return { platformRef, type: 'Sink', connector, stream: reads.stream, destination, keepVersions };
  }
  throw new TypeError(`Revision ${metadata.name} does not say what its ${of.kind} is`);
}

const schemas = { Stream: streamSpec, Pipeline: pipelineSpec, Connection: connectionSpec } as const;

/**
 * An inline change on top of a definition, usually the live one. Each field that is set replaces the old one whole. Where the SQL differs
 * afterwards, the outline is still the old one: the caller, who has the engine, makes it anew.
 * @throws GrueError GRUE-API-001 when the result is no valid spec (a key that names a dropped field)
 */
export function applyChange(definition: Definition, change: Change): Definition {
  const { sql, schema, keys, partitions, destination } = change.set;
  const set = { sql, schema, keys, partitions, destination };
  const spec = { ...definition.spec, ...Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)) };
  const judged = judge<z.ZodType>(schemas[definition.kind], spec);
  if ('problems' in judged) throw schemaError(`the change of ${keyOf(definition)}`, judged.problems);
  return { ...definition, spec: judged.value } as Definition;
}
