import type { World } from './world.ts';

/** The numbers of all records that Grue has put into its dead-letter topics, read from Kafka. */
export async function deadLetteredNumbers({ kafka, cluster, names }: World, signal: AbortSignal): Promise<ReadonlySet<number>> {
  const topics = await deadLetterTopics(kafka, names.namespace);
  const [starts, ends] = await Promise.all([cluster.offsets(topics, 'Earliest', signal), cluster.offsets(topics, 'HighWatermark', signal)]);
  const numbers = new Set<number>();
  for (const topic of topics) {
    const [from, to] = [starts.get(topic)?.[0], ends.get(topic)?.[0]];
    if (from === undefined || to === undefined || from >= to) continue;
    for await (const { value } of cluster.read(topic, 0, from, to, signal)) {
      const number = numberIn(value);
      if (number !== undefined) numbers.add(number);
    }
  }
  return numbers;
}

async function deadLetterTopics(kafka: World['kafka'], namespace: string): Promise<readonly string[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return (await admin.listTopics()).filter((topic) => topic.startsWith(`grue.${namespace}.`) && topic.endsWith('.dead-letters'));
  } finally {
    await admin.disconnect();
  }
}

/** A dead letter keeps the record as it was read, under `value.text`. */
function numberIn(letter: Buffer | undefined): number | undefined {
  if (letter === undefined) return undefined;
  try {
    const { value } = JSON.parse(letter.toString()) as { readonly value?: { readonly text?: string } | null };
    const { number } = JSON.parse(value?.text ?? '{}') as { readonly number?: number };
    return typeof number === 'number' ? number : undefined;
  } catch {
    return undefined;
  }
}
