import type { Binding, Revision } from '../api/revision.ts';

/** The Revisions behind the given ones, these included, each after all that is above it. */
export function lineageOf(names: readonly string[], revisions: ReadonlyMap<string, Revision>): readonly Revision[] {
  const ordered = new Map<string, Revision>();
  const visit = (name: string): void => {
    const revision = revisions.get(name);
    if (!revision || ordered.has(name)) return;
    for (const input of revision.spec.inputs) visit(input);
    ordered.set(name, revision);
  };
  for (const name of names) visit(name);
  return [...ordered.values()];
}

/** What a stage reads; nothing for a Stream. */
export const readsOf = ({ spec }: Pick<Revision, 'spec'>): readonly Binding[] => spec.pipeline?.reads ?? (spec.connection ? [spec.connection.reads] : []);
