import type { Row, Written } from '../workspace.ts';

/**
 * Two chains in one namespace, each with a stage of SQL and a stage that fills an index: `calls` is an Append stream, `accounts` a Change
 * stream. Every version of a chain writes its own number into each document, so documents tell by themselves what they should hold.
 */
export const chains = ['calls', 'accounts'] as const;
export type Chain = (typeof chains)[number];

/** What the SQL of a chain writes to. */
const outputs = { calls: 'billed', accounts: 'rich' } as const satisfies Record<Chain, string>;

export const topicOf = (namespace: string, chain: Chain): string => `${namespace}-${chain}`;
export const aliasOf = (namespace: string, chain: Chain): string => `${namespace}-${outputs[chain]}`;
/** What a migration of the chain names. */
export const namedBy = (chain: Chain): readonly string[] => [`Pipeline/${outputs[chain]}`, `Stream/${outputs[chain]}`];

/** How many retired indices stay. */
export const keptVersions = 2;

/** What a record comes to in a version of its chain. */
export const rowAt = (version: number, number: number, amount: number): Row => ({
  number,
  amount: amount * (version + 1),
  version,
  ...(hasDouble(version) ? { twice: amount * 2 } : {}),
});

/** Every other version has a field more, so that migrations change the schema too. */
const hasDouble = (version: number): boolean => version % 2 === 1;

/** What no version changes. */
export const givens = (namespace: string, platform: Written, which: readonly Chain[] = chains): readonly Written[] => [
  platform,
  ...which.map(
    (chain): Written => ({
      kind: 'Stream',
      name: chain,
      spec: { ...typeOf[chain], external: { topic: topicOf(namespace, chain) }, schema: schemaOf(['number', 'amount']) },
    }),
  ),
  ...which.map(
    (chain): Written => ({
      kind: 'Connection',
      name: `${outputs[chain]}-index`,
      spec: {
        type: 'Sink',
        connector: 'elasticsearch',
        stream: outputs[chain],
        keepVersions: keptVersions,
        destination: { alias: aliasOf(namespace, chain), settings: { number_of_replicas: 0 } },
      },
    }),
  ),
];

/** The pipeline and the stream of a chain in a version: SQL and schema differ in each, the number of partitions in some. */
export const chainAt = (chain: Chain, version: number): readonly Written[] => {
  const select = ['number', `amount * ${version + 1} AS amount`, `${version} AS version`, ...(hasDouble(version) ? ['amount * 2 AS twice'] : [])];
  const fields = ['number', 'amount', 'version', ...(hasDouble(version) ? ['twice'] : [])];
  return [
    { kind: 'Pipeline', name: outputs[chain], spec: { sql: `INSERT INTO ${outputs[chain]} SELECT ${select.join(', ')} FROM ${chain}` } },
    { kind: 'Stream', name: outputs[chain], spec: { ...typeOf[chain], partitions: 1 + (version % 3), schema: schemaOf(fields) } },
  ];
};

const typeOf = { calls: { type: 'Append' }, accounts: { type: 'Change', keys: { primary: ['number'] } } } as const;

const schemaOf = (names: readonly string[]) => ({ fields: names.map((name) => ({ name, type: 'BIGINT' })) });
