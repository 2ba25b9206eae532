import { z } from 'zod';

/**
 * The same schema, as strict as the API server is with `fieldValidation=Strict`: unknown fields are refused, and a field that is null
 * counts as absent. Derived, so that it cannot differ in anything else.
 */
export function strict<S extends z.ZodType>(schema: S): S {
  const { def } = schema._zod as unknown as { readonly def: z.core.$ZodTypeDef & Partial<Record<'innerType' | 'element', z.ZodType>> };
  if (schema instanceof z.ZodObject) {
    const shape = Object.fromEntries(Object.entries(schema.shape as z.ZodRawShape).map(([name, field]) => [name, strict(field as z.ZodType)]));
    const closed = z.core.clone(schema, { ...schema.def, shape, catchall: z.never() });
    return z.preprocess((value) => withoutNulls(value, Object.keys(shape)), closed) as unknown as S;
  }
  if (def.element) return z.core.clone(schema, { ...def, element: strict(def.element) } as never);
  if (def.innerType) return z.core.clone(schema, { ...def, innerType: strict(def.innerType) } as never);
  return schema;
}

function withoutNulls(value: unknown, known: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name, field]) => field !== null || !known.includes(name)));
}
