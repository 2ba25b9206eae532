import { randomBytes } from 'node:crypto';

/** The passwords of a run. Each is like nothing else, so that whoever finds one in a log knows that a Secret has leaked. */
export interface Canaries {
  /** Makes one more. */
  sing(): string;
  /** Takes in what somebody else has made. */
  add(secret: string): void;
  /** Those that were made so far, as they could be written down. */
  forms(): readonly { readonly canary: string; readonly form: string }[];
}

export function canaries(): Canaries {
  const made: string[] = [];
  return {
    sing() {
      const canary = `canary-${randomBytes(12).toString('hex')}`;
      made.push(canary);
      return canary;
    },
    add: (secret) => void made.push(secret),
    forms: () => made.flatMap((canary) => [canary, encodeURIComponent(canary), ...base64Forms(canary)].map((form) => ({ canary, form }))),
  };
}

/** As it stands in the base64 of a longer text, `user:password` for example, whatever comes before it. */
function base64Forms(text: string): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const coded = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)]).toString('base64');
    // the first and last characters also depend on what is beside it
    return coded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + text.length) * 8) / 6));
  });
}
