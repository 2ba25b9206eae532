import { stringify } from 'yaml';
import { kinds } from '../src/api/kinds.ts';
import { definitionOf } from './crds/definition.ts';
import { lint } from './crds/lint.ts';
import { type GeneratedFile, main } from './generated.ts';

const header = '# Generated from src/api by `npm run gen`. Do not edit.\n';

/** One file per kind. @throws Error that lists what the lint finds */
export function generateCrds(): readonly GeneratedFile[] {
  const definitions = Object.values(kinds).map(definitionOf);
  const findings = definitions.flatMap(lint);
  if (findings.length > 0) throw new Error(`the CRDs break rules of their lint:\n${findings.join('\n')}`);
  return definitions.map((definition) => ({
    path: `crds/${definition.spec.names.plural}.yaml`,
    // Sorted and never wrapped, so that a change of the schema shows as that change and nothing else.
    content: header + stringify(definition, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false }),
  }));
}

if (import.meta.main) await main(generateCrds());
