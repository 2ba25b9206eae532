import type { LogicalKind } from '../api/common.ts';
import { GrueError } from '../api/errors.ts';
import type { RevisionSpec } from '../api/revision.ts';

/** The longest name that Kafka takes for a topic (and we for a group), in characters. */
const topicLimit = 249;
/** The longest name that Elasticsearch takes for an index, in bytes. Our names are ASCII, so bytes are characters. */
const indexLimit = 255;
const deadLetterSuffix = '.dead-letters';

/** Name of the object: `pipeline-delays-2`. Unique, because a number has no dash: the last dash ends the name. */
export function revisionName(kind: LogicalKind, name: string, number: number): string {
  return `${kind.toLowerCase()}-${name}-${number}`;
}

/**
 * Name of a topic, consumer group and index: `grue.flights.delays.2-m3v9ab`. The random suffix tells this attempt from
 * anything that ever had, or will have, the same number.
 * @throws GrueError GRUE-API-001 when Kafka or Elasticsearch would refuse the name, or that of the dead letters beside it
 */
export function physicalName(prefix: string, namespace: string, name: string, number: number, suffix: string): string {
  const physical = `${prefix}.${namespace}.${name}.${number}-${suffix}`;
  const limit = Math.min(topicLimit - deadLetterSuffix.length, indexLimit);
  if (physical.length > limit) {
    throw new GrueError('GRUE-API-001', `the physical name ${physical} has ${physical.length} characters, more than ${limit}`, {
      at: 'metadata.name',
      fix: 'shorten the prefix of the Platform or the name of the resource',
    });
  }
  return physical;
}

/** The topic for records that the stage of this physical name could not process. */
export const deadLettersName = (physical: string): string => `${physical}${deadLetterSuffix}`;

/**
 * A name in a Revision that was not chosen for it. Anybody who may write a Revision could name a topic or a group of others in it: what is
 * not called as the operator would have called it is neither used nor removed.
 */
export function foreignName(namespace: string, spec: RevisionSpec): string | undefined {
  const { topic, deadLetters, group, index } = spec.physical;
  const own = [spec.stream?.external === true ? undefined : topic, deadLetters, group, index].flatMap((name) => name ?? []);
  return own.find((name) => !isPhysicalNameOf(name, namespace, spec));
}

const isPhysicalNameOf = (physical: string, namespace: string, { of: { name }, number }: RevisionSpec): boolean =>
  withoutSuffix(physical) === `${namespace}.${name}.${number}`;

/** Could the operator have chosen this name for something of the namespace? */
export const isPhysicalName = (physical: string, prefix: string, namespace: string): boolean =>
  physical.startsWith(`${prefix}.${namespace}.`) && /\.\d+$/.test(withoutSuffix(physical) ?? '');

/** `flights.delays.2` of `grue.flights.delays.2-m3v9ab`. */
function withoutSuffix(physical: string): string | undefined {
  const stage = physical.endsWith(deadLetterSuffix) ? physical.slice(0, -deadLetterSuffix.length) : physical;
  return /^[-a-z0-9]+\.(.+)-[a-z0-9]{6}$/.exec(stage)?.[1];
}
