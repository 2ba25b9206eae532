import { GrueError } from '../api/errors.ts';
import type { Platform } from '../api/platform.ts';
import type { KubeApi, KubeObject, ResourceType } from '../controller/kube/api.ts';
import { isKubeError } from '../controller/kube/errors.ts';
import type { SearchSettings } from '../drivers/elasticsearch/client.ts';
import type { KafkaSettings } from '../drivers/kafka/connection.ts';

/** How to reach the servers of a Platform, credentials included. Never logged, never put into a status. */
export interface ServerSettings {
  readonly kafka: KafkaSettings;
  readonly search: SearchSettings;
}

const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * Settings from the Platform and the Secrets that it names, each read by name.
 * @throws GrueError GRUE-PLT-006 when a Secret or one of its keys is missing
 */
export async function serverSettings(platform: Platform, clientId: string, kube: Pick<KubeApi, 'get'>, signal: AbortSignal): Promise<ServerSettings> {
  const { kafka, elasticsearch } = platform.spec;
  const secret = (name: string) => readSecret(platform.metadata.namespace, name, kube, signal);
  const authority = async (tls: typeof kafka.tls): Promise<string | undefined> =>
    tls?.caSecretRef === undefined ? undefined : (await secret(tls.caSecretRef.name))('ca.crt');
  const searchAuthority = await authority(elasticsearch.tls);
  return {
    kafka: {
      bootstrapServers: kafka.bootstrapServers,
      clientId,
      ...(kafka.authentication
        ? { sasl: { mechanism: kafka.authentication.mechanism, ...passwordLogin(await secret(kafka.authentication.secretRef.name)) } }
        : {}),
      ...(kafka.tls ? { tls: { ca: await authority(kafka.tls) } } : {}),
    },
    search: {
      url: elasticsearch.url,
      ...(elasticsearch.authentication ? { auth: searchLogin(await secret(elasticsearch.authentication.secretRef.name)) } : {}),
      ...(searchAuthority === undefined ? {} : { tls: { ca: searchAuthority } }),
    },
  };
}

/** Gives the value of a key of the Secret; `optional` gives undefined where it is missing. */
interface SecretReader {
  (key: string): string;
  optional(key: string): string | undefined;
}

const passwordLogin = (secret: SecretReader) => ({ username: secret('username'), password: secret('password') });

function searchLogin(secret: SecretReader): NonNullable<SearchSettings['auth']> {
  const apiKey = secret.optional('apiKey');
  return apiKey === undefined ? passwordLogin(secret) : { apiKey };
}

async function readSecret(namespace: string, name: string, kube: Pick<KubeApi, 'get'>, signal: AbortSignal): Promise<SecretReader> {
  let data: Readonly<Record<string, string>>;
  try {
    data = (await kube.get<Secret>(secrets, { namespace, name }, { signal })).data ?? {};
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
    throw new GrueError('GRUE-PLT-006', `Secret ${name} does not exist in namespace ${namespace}`, { fix: 'create it' });
  }
  const optional = (key: string): string | undefined => {
    const value = data[key];
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString().trim();
  };
  const required = (key: string): string => {
    const value = optional(key);
    if (value === undefined) throw new GrueError('GRUE-PLT-006', `Secret ${name} has no key ${key}`, { fix: `add ${key}` });
    return value;
  };
  return Object.assign(required, { optional });
}
