import { canonicalText, isKeyType } from '../../../../src/records/canonical.ts';
import { digestOf, projectionOf } from '../../../../src/records/digest.ts';
import { parseFields, type TypedField } from '../../../../src/records/field-types.ts';
import { documentIdOfOrigin, documentIdOfValues, documentVersion, isKeyed, jsonString, primaryKey } from '../../../../src/records/identity.ts';
import { type Origin, parseOrigin } from '../../../../src/records/provenance.ts';
import { bulkBodies } from '../../../../src/worker/transform/bulk-body.ts';
import { badRecord, intake } from '../../../../src/worker/transform/intake.ts';
import type { BadRecord, SinkDefinition, SinkOutput, SinkStage } from '../../../../src/worker/transform/ports.ts';
import type { Row } from '../sql/evaluate.ts';
import { type Flaw, keyOf, keyValues, limits, objectJson, readRow, type Taken, takenFrom } from './read.ts';

/** A stage that makes bulk bodies: ids, versions and digests are those of the real one. */
export function simulatedSink({ reads }: SinkDefinition, revision: string): SinkStage {
  const fields = parseFields(reads.fields);
  const names = fields.map(({ name }) => name).sort();
  const key = keyOf(reads, primaryKey(reads));
  const keyed = isKeyed(reads);
  const rule = !keyed ? 'Free' : reads.type === 'Change' ? 'Same' : 'SameIfAny';
  const ordering = fields.find(({ name }) => name === reads.orderingField);
  const projection = projectionOf(reads.fields);
  const take = intake(reads, limits, false);

  /** The lines of one operation, or what is wrong with the record. */
  function operation(record: Taken): string | Flaw {
    const origin = parseOrigin(record.origin)!;
    if (keyed && record.value === undefined) {
      if (ordering) return { code: 'GRUE-REC-002', reason: `a deletion has no value in the ordering field ${ordering.name}` };
      return `{"delete":{"_id":${record.key},"version":${documentVersion(origin)},"version_type":"external"}}\n`;
    }
    const read = readRow(record, fields, key, rule);
    if ('flaw' in read) return read.flaw;
    const { row } = read;
    const version = ordering ? orderOf(ordering, row) : documentVersion(origin);
    if (keyed && version === undefined)
      return { code: 'GRUE-REC-002', reason: `there is no value, or a negative one, in the ordering field ${reads.orderingField}` };
    const id = keyed ? documentIdOfValues(keyValues(key, row)) : documentIdOfOrigin(origin);
    const action = keyed ? `{"index":{"_id":${jsonString(id)},"version":${version},"version_type":"external"}}` : `{"create":{"_id":"${id}"}}`;
    const document = objectJson(names, row);
    const digest = digestOf(id, document).map((limb, n) => `"h${n + 1}":${limb}`);
    return `${action}\n{"grue":{${stampOf(origin)},"rev":"${revision}","proj":"${projection}",${digest.join(',')}},${document.slice(1)}\n`;
  }

  return {
    topics: [reads.topic],
    async transform(batch, bodyBytes): Promise<SinkOutput> {
      const { batches, bad } = take(batch);
      const problems: BadRecord[] = [...bad];
      const good: { readonly record: Taken; readonly lines: string }[] = [];
      for (const record of takenFrom(batches)) {
        const lines = operation(record);
        if (typeof lines === 'string') good.push({ record, lines });
        else problems.push(badRecord(batch, { ...record, ...lines }));
      }
      const sources = { indexes: good.map(({ record }) => record.index), origins: good.map(({ record }) => record.origin) };
      const bytes = Buffer.from(good.map(({ lines }) => lines).join(''));
      return { bodies: bulkBodies(bytes, sources, bodyBytes), bad: problems.sort((a, b) => a.index - b.index) };
    },
    close: () => {},
  };
}

const stampOf = ({ root, epoch, p, o, path }: Origin): string => `"root":"${root}","epoch":${epoch},"p":${p},"o":${o},"path":"${path}"`;

/** A number that grows with every change of a key, microseconds where it is a time; undefined without one. */
function orderOf({ name, type }: TypedField, row: Row): string | undefined {
  const text = isKeyType(type) ? canonicalText(type, row[name] ?? undefined) : undefined;
  if (text === undefined) return undefined;
  if (!type.name.startsWith('TIMESTAMP')) return text.startsWith('-') ? undefined : text;
  const [, seconds = '', fraction = ''] = /^(.{19})\.?(\d*)/.exec(text) ?? [];
  const order = BigInt(Date.parse(`${seconds}Z`)) * 1_000n + BigInt(fraction.padEnd(6, '0'));
  return order < 0n ? undefined : String(order);
}
