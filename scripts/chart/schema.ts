import { z } from 'zod';
import { values } from './values.ts';

/** The part of JSON schema that the values make use of. */
export interface ValueSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly additionalProperties?: unknown;
  readonly items?: ValueSchema;
}

/** The values as a JSON schema, in the dialect that Helm 3 and 4 and editors read. A misspelt value is one that the schema does not know. */
export function valuesSchema(): ValueSchema {
  // io: input leaves what has a default optional
  return z.toJSONSchema(values, {
    target: 'draft-7',
    io: 'input',
    reused: 'inline',
    unrepresentable: 'throw',
    override: ({ jsonSchema }) => close(jsonSchema),
  }) as ValueSchema;
}

function close(schema: { properties?: unknown; additionalProperties?: unknown; default?: unknown }): void {
  if (schema.properties === undefined) return;
  schema.additionalProperties = false;
  // Of a group: its members have their own.
  delete schema.default;
}

/** A value by its path, such as `operator.replicas`. */
export interface Value {
  readonly path: string;
  readonly schema: ValueSchema;
}

/** Every value that can be set by itself, in order. What is behind a value without a default, such as a spec, is explained elsewhere. */
export function valuesOf(schema: ValueSchema, path = ''): readonly Value[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const value = { path: path === '' ? name : `${path}.${name}`, schema: child };
    return isGroup(child) ? [...valuesOf(child, value.path)] : [value];
  });
}

/** Has members of its own, all with defaults. */
export const isGroup = ({ properties, examples }: ValueSchema): boolean => properties !== undefined && examples === undefined;
