import type { Field, Keys } from '../api/common.ts';
import type { ConnectionSpec } from '../api/connection.ts';
import type { StreamSpec } from '../api/stream.ts';

/** One spelling for each type: no blanks, and the precision that SQL assumes where a timestamp has none. */
export const normalType = (type: string): string => type.replaceAll(' ', '').replace(/^(ARRAY<)?(TIMESTAMP(?:_LTZ)?)(>?)$/, '$1$2(6)$3');

/** An empty list of keys says the same as none. */
export const primaryKeyOf = (keys: Keys | undefined): readonly string[] => keys?.primary ?? [];

/** Without a partition key the primary key chooses the partition. */
export const partitionKeyOf = (keys: Keys | undefined): readonly string[] => (keys?.partition?.length ? keys.partition : primaryKeyOf(keys));

/** Keys with their defaults filled in, or nothing where there are none. */
export function normalKeys(keys: Keys | undefined): Keys | undefined {
  const primary = [...primaryKeyOf(keys)];
  const partition = [...partitionKeyOf(keys)];
  if (primary.length + partition.length === 0) return undefined;
  return { ...(primary.length > 0 ? { primary } : {}), partition };
}

export const normalFields = (fields: readonly Field[]): readonly Field[] => fields.map(({ name, type }) => ({ name, type: normalType(type) }));

/** How records of a stream are identified, placed and ordered. */
export const normalIdentity = ({ type, keys, ordering }: StreamSpec) => ({ type, keys: normalKeys(keys), ordering: ordering?.field });

/** All that a stream says of itself; where it runs is outside. */
export const normalStream = (spec: StreamSpec) => ({
  ...normalIdentity(spec),
  fields: normalFields(spec.schema.fields),
  topic: spec.external?.topic,
  partitions: spec.external ? undefined : (spec.partitions ?? 1),
});

/** All of a sink that its index depends on; `keepVersions` only counts indices afterwards. */
export const normalConnection = ({ type, connector, stream, destination }: ConnectionSpec) => ({
  type,
  connector,
  stream,
  alias: destination?.alias,
  mappings: destination?.mappings ?? {},
  settings: destination?.settings ?? {},
});
