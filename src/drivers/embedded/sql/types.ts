import { isNode, text } from './tree.ts';

const plain: Readonly<Record<string, string>> = {
  BOOLEAN: 'BOOLEAN',
  TINYINT: 'TINYINT',
  SMALLINT: 'SMALLINT',
  INTEGER: 'INTEGER',
  BIGINT: 'BIGINT',
  FLOAT: 'FLOAT',
  DOUBLE: 'DOUBLE',
  VARCHAR: 'VARCHAR',
  DATE: 'DATE',
  TIMESTAMP: 'TIMESTAMP',
  TIMESTAMP_S: 'TIMESTAMP_S',
  TIMESTAMP_MS: 'TIMESTAMP_MS',
  'TIMESTAMP WITH TIME ZONE': 'TIMESTAMPTZ',
};

/** Flink's names for types that the parser does not know. */
const unbound: Readonly<Record<string, string>> = { timestamp_ltz: 'TIMESTAMPTZ', string: 'VARCHAR' };

/** A type of the syntax tree as SQL; undefined if it is not among those that a cast may name. */
export function typeText(type: unknown): string | undefined {
  if (!isNode(type)) return undefined;
  const id = text(type['id']);
  const info = isNode(type['type_info']) ? type['type_info'] : {};
  if (id === 'DECIMAL') return `DECIMAL(${Number(info['width'])},${Number(info['scale'] ?? 0)})`;
  if (id === 'UNBOUND') return unbound[text(info['name']).toLowerCase()];
  if (id === 'LIST') {
    const child = typeText(info['child_type']);
    return child === undefined || child.endsWith(']') ? undefined : `${child}[]`;
  }
  return plain[id];
}
