import { readFileSync } from 'node:fs';
import { stack } from '../../stack/for-tests.ts';
import { auditLog } from '../../stack/kubernetes/cluster.ts';
import type { Manifest, PolicyRule } from '../../support/helm.ts';

/** One rule of a role that is bound to an account. */
export interface Grant {
  readonly role: Manifest;
  readonly rule: PolicyRule;
  /** Each verb on each resource, with the name of the object where the rule has names: `get coordination.k8s.io/leases grue-operator`. */
  readonly rights: readonly string[];
}

/** What the account is granted by roles that are among the manifests. */
export function grantsOf(account: string, manifests: readonly Manifest[]): readonly Grant[] {
  const bound = manifests.filter(({ subjects }) => subjects?.some(({ name }) => name === account));
  const isBound = (role: Manifest) =>
    bound.some(({ roleRef, metadata }) => roleRef?.kind === role.kind && roleRef.name === role.metadata.name && metadata.namespace === role.metadata.namespace);
  return manifests.filter(isBound).flatMap((role) => (role.rules ?? []).map((rule) => ({ role, rule, rights: rightsOf(rule) })));
}

const rightsOf = ({ apiGroups = [], resources = [], resourceNames, verbs }: PolicyRule): readonly string[] =>
  apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) => (resourceNames ? resourceNames.map((name) => `${verb} ${group}/${resource} ${name}`) : `${verb} ${group}/${resource}`)),
    ),
  );

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly objectRef?: { readonly apiGroup?: string; readonly resource: string; readonly subresource?: string; readonly name?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The rights by which the API server has let a program of ours do something, as its audit log tells it; each with the name of the object and without. */
export function usedRights(user: string, program: RegExp): ReadonlySet<string> {
  const { authority } = stack().kubernetes;
  if (authority === undefined) throw new Error('the audit log of a cluster that is not ours cannot be read');
  const events = readFileSync(auditLog(authority), 'utf8')
    .split('\n')
    .flatMap((line) => (line.includes(`"${user}"`) && line.endsWith('}') ? [JSON.parse(line) as AuditEvent] : []));
  const used = events.flatMap(({ verb, userAgent, objectRef, annotations }) => {
    if (!objectRef || !program.test(userAgent ?? '') || annotations?.['authorization.k8s.io/decision'] !== 'allow') return [];
    const { apiGroup = '', resource, subresource, name } = objectRef;
    const right = `${verb} ${apiGroup}/${resource}${subresource === undefined ? '' : `/${subresource}`}`;
    return [right, `${right} ${name}`];
  });
  return new Set(used);
}
