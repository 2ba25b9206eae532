/**
 * Who may read metrics: whoever the API server knows by the bearer token of the request, and may `get` the non-resource URL /metrics. The
 * same two questions that the servers of Kubernetes itself ask, so that one ClusterRole serves for all of them.
 */
import type { IncomingMessage } from 'node:http';
import type { KubeApi, KubeObject, ResourceType } from './kube/api.ts';
import { isKubeError } from './kube/errors.ts';
import type { Logger } from './logger.ts';
import type { Admit, Refusal } from './server.ts';

const tokenReviews: ResourceType = { group: 'authentication.k8s.io', version: 'v1', plural: 'tokenreviews', kind: 'TokenReview', namespaced: false };
const accessReviews: ResourceType = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};

interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}
type TokenReview = KubeObject<{ readonly token: string }, { readonly authenticated?: boolean; readonly user?: User }>;
type AccessReview = KubeObject<object, { readonly allowed?: boolean }>;

const ANSWER_WITHIN_MS = 5_000;

export function admitScrapers(kube: Pick<KubeApi, 'create'>, fieldManager: string, logger: Logger): Admit {
  const review = async <T extends KubeObject>(type: ResourceType, spec: object): Promise<T['status']> => {
    const object = { apiVersion: `${type.group}/${type.version}`, kind: type.kind, metadata: { name: '' }, spec } as unknown as T;
    return (await kube.create(type, object, { fieldManager, timeoutMilliseconds: ANSWER_WITHIN_MS })).status;
  };
  return async (request): Promise<Refusal | undefined> => {
    const token = bearerOf(request);
    if (token === undefined) return { status: 401, message: 'a bearer token is needed' };
    try {
      const { authenticated, user } = (await review<TokenReview>(tokenReviews, { token })) ?? {};
      if (!authenticated || user === undefined) return { status: 401, message: 'the bearer token is not known' };
      const { username, uid, groups, extra } = user;
      const asked = { user: username, uid, groups, extra, nonResourceAttributes: { path: '/metrics', verb: 'get' } };
      const { allowed } = (await review<AccessReview>(accessReviews, asked)) ?? {};
      return allowed ? undefined : { status: 403, message: `${username} may not get the non-resource URL /metrics` };
    } catch (error) {
      // the message of the API server names our account and the right that it lacks, never the token
      logger.warn('a scraper could not be looked up', { error });
      return { status: 503, message: isKubeError(error, 'Forbidden') ? 'this process may not look up who asks' : 'the API server cannot be asked who this is' };
    }
  };
}

function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];
}
