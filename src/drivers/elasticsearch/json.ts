import { errors, Serializer } from '@elastic/elasticsearch';

declare global {
  interface JSON {
    /** A value that is written as the given text. In the language since V8 11.4, not yet in TypeScript's library. */
    rawJSON(text: string): unknown;
  }
}

const LONG_INTEGER = /^-?[0-9]{16,}$/;
const MAY_HOLD_LONG_INTEGER = /[0-9]{16}/;

/**
 * JSON without loss: integers beyond 2^53 come in as bigint, and bigints go out as digits. Versions (epoch * 2^48 + offset)
 * and offsets need that: as JavaScript numbers two neighbours would become one, and a stale document would look current.
 */
export class ExactSerializer extends Serializer {
  override serialize(object: Record<string, unknown>): string {
    return exactJson(object);
  }

  override deserialize<T = unknown>(json: string): T {
    try {
      return parseExactJson(json) as T;
    } catch (error) {
      throw new errors.DeserializationError(`the answer is no JSON: ${(error as Error).message}`, json);
    }
  }
}

export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? JSON.rawJSON(part.toString()) : part));
}

export function parseExactJson(text: string): unknown {
  // asking for each number how it was written costs several times a plain parse, so only answers that need it pay for it
  return MAY_HOLD_LONG_INTEGER.test(text) ? JSON.parse(text, exactInteger as (key: string, value: unknown) => unknown) : JSON.parse(text);
}

function exactInteger(_key: string, value: unknown, written: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return written.source !== undefined && LONG_INTEGER.test(written.source) ? BigInt(written.source) : value;
}
