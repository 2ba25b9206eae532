/** The key of a dead letter: by it the topic is compacted, so a record that fails twice is one letter. */
export const deadLetterKey = (revision: string, identity: string): string => JSON.stringify({ revision, identity });

/** The identity in the key of a dead letter; undefined if the key is not ours. */
export function deadLetterIdentity(key: Buffer | undefined): string | undefined {
  if (key === undefined) return undefined;
  try {
    const { identity } = JSON.parse(key.toString()) as { readonly identity?: unknown };
    return typeof identity === 'string' ? identity : undefined;
  } catch {
    return undefined;
  }
}
