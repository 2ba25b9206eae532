import { z } from 'zod';
import { duration } from '../../src/api/common.ts';
import { platformSpec } from '../../src/api/platform.ts';

/** All values of a group have defaults, so the group may be left out. */
const group = <Shape extends z.ZodRawShape>(description: string, shape: Shape) =>
  z
    .object(shape)
    .prefault({} as never)
    .describe(description);

const name = z
  .string()
  .max(253)
  .regex(/^([a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$/, { message: 'must be the name of an object, or empty' });
const freeForm = z.record(z.string(), z.unknown());
const texts = z.record(z.string(), z.string());
const quantities = z.record(z.string(), z.union([z.string(), z.number()]));

const resources = (memory: { readonly request: string; readonly limit: string }, cpu: string, measured: string) =>
  group(measured, {
    requests: quantities.default({ cpu, memory: memory.request }).describe('What the scheduler sets aside.'),
    limits: quantities
      .default({ memory: memory.limit })
      .describe('No limit of the CPU: who is throttled misses deadlines, of the Lease or of a consumer group.'),
  });

/** What both components offer about their pods. */
const pods = {
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('What the log tells. It is JSON, one object a line.'),
  serviceAccount: group('The account that the pods run as, and that the rights are bound to.', {
    create: z.boolean().default(true).describe('Make the account. Otherwise it has to be there, under `name`.'),
    name: name.default('').describe('Its name; made of the name of the release when empty.'),
    annotations: texts.default({}).describe('Annotations of the account.'),
  }),
  podLabels: texts.default({}).describe('More labels of the pods.'),
  podAnnotations: texts.default({}).describe('Annotations of the pods.'),
  extraEnv: z
    .array(z.object({ name: z.string().min(1), value: z.string().optional(), valueFrom: freeForm.optional() }))
    .default([])
    .describe('More environment variables, such as NODE_EXTRA_CA_CERTS or NODE_OPTIONS.'),
  nodeSelector: texts.default({}).describe('Labels that a node must have.'),
  tolerations: z.array(freeForm).default([]).describe('Taints that the pods bear.'),
  affinity: freeForm.default({}).describe('Affinity of the pods.'),
  topologySpreadConstraints: z.array(freeForm).default([]).describe('How the pods spread. When empty they go to different nodes if that is possible.'),
  priorityClassName: name.default('').describe('Priority class of the pods.'),
};

/** The values of the chart: the source of values.yaml, of values.schema.json and of the table in the README of the chart. */
export const values = z.object({
  nameOverride: name.max(45).default('').describe('Stands for the name of the chart in names and labels.'),
  fullnameOverride: name.max(45).default('').describe('Stands for the first part of all names, which is made of the name of the release otherwise.'),

  image: group('One image for both components.', {
    repository: z.string().min(1).default('grue').describe('Where the image lies, with its registry.'),
    tag: z.string().max(128).default('').describe('Its tag; the appVersion of the chart when empty.'),
    digest: z
      .string()
      .regex(/^(sha256:[0-9a-f]{64})?$/, { message: 'must be sha256: and 64 digits' })
      .default('')
      .describe('Its digest, which pins it whatever becomes of the tag.'),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent').describe('When it is pulled.'),
    pullSecrets: z
      .array(z.object({ name: name.min(1) }))
      .default([])
      .describe('Secrets to log in to the registry with.'),
  }),

  scope: z
    .enum(['Namespace', 'Cluster'])
    .default('Namespace')
    .describe('Whether the resources in the namespace of the release are looked after, or those in all namespaces. The rights reach as far.'),
  installation: z
    .string()
    .min(1)
    .max(63)
    .regex(/^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$/, { message: 'must be letters, digits, "-", "_" and "."' })
    .default('grue')
    .describe(
      'Names this installation, together with the uid of the cluster, in all that it makes on Kafka and Elasticsearch. Never change it: what was made under another name is not touched.',
    ),

  operator: group('Plans, provisions, judges and moves readers. One acts at a time, which a Lease decides.', {
    replicas: z.int().min(0).max(5).default(1).describe('With 2 another one takes over at once when a node is lost; more are of no use.'),
    settle: duration.default('10s').describe('For how long resources must be unchanged before a migration is planned.'),
    letGo: duration.default('10m').describe('For how long a deleted object waits for servers that do not answer; what it stood for is left behind then.'),
    resources: resources(
      { request: '192Mi', limit: '640Mi' },
      '50m',
      'Measured: 110 MiB with few resources, 160 MiB with 1,000 that are live, 290 MiB after it has installed 1,000 at once.',
    ),
    ...pods,
  }),

  worker: group('Runs the SQL and fills the indices. Any number share the work, down to single partitions.', {
    replicas: z.int().min(0).max(1000).default(1).describe('How many, if autoscaling is off. More than there are partitions have nothing to do.'),
    autoscaling: group('A HorizontalPodAutoscaler, which needs a metrics server.', {
      enabled: z.boolean().default(false).describe('Let it choose the number of workers.'),
      minReplicas: z.int().min(1).max(1000).default(1).describe('At least so many.'),
      maxReplicas: z.int().min(1).max(1000).default(4).describe('At most so many.'),
      targetCPUUtilizationPercentage: z.int().min(1).max(1000).default(75).describe('Of the CPU that the pods request.'),
    }),
    resources: resources(
      { request: '512Mi', limit: '2Gi' },
      '100m',
      'Measured: 220 MiB with two stages and little to do, 620 MiB at full speed with one (70,000 records/s into Elasticsearch, one CPU). Each stage may hold 32 MiB more, and the SQL of all of them 384 MiB.',
    ),
    ...pods,
  }),

  metrics: group('Metrics in the format of Prometheus.', {
    expose: z
      .boolean()
      .default(false)
      .describe(
        'Serve them to others: each scrape is authenticated and must have the right to get `/metrics`. Otherwise they are on loopback, for `kubectl port-forward`.',
      ),
    tls: group('Encrypts them. Without it the token of the scraper crosses the network as it is.', {
      secretName: name.default('').describe('Secret with `tls.crt` and `tls.key`; plain HTTP when empty. A renewed certificate is used within minutes.'),
    }),
    readers: z
      .array(z.object({ name: name.min(1), namespace: name.min(1) }))
      .default([])
      .describe('Service accounts that get the right to scrape, such as `{name: prometheus-k8s, namespace: monitoring}`.'),
  }),

  serviceMonitor: group('For the Prometheus operator. Needs `metrics.expose`.', {
    enabled: z.boolean().default(false).describe('Make a ServiceMonitor.'),
    labels: texts.default({}).describe('Labels that your Prometheus selects by.'),
    interval: duration.default('30s').describe('How often it scrapes.'),
    tokenSecret: group('Token that Prometheus presents; that of its own account, from its file, when no name is given.', {
      name: name.default('').describe('Secret in the namespace of the release.'),
      key: z.string().min(1).default('token').describe('Its key.'),
    }),
    tls: group('How it judges the certificate of `metrics.tls`.', {
      caSecretName: name.default('').describe('Secret whose `ca.crt` signed it; the authorities of the system when empty.'),
      serverName: z.string().default('').describe('Name in the certificate; that of the address when empty.'),
      insecureSkipVerify: z.boolean().default(false).describe('Accept any certificate.'),
    }),
  }),

  prometheusRule: group('Alerts for the Prometheus operator. They need the metrics of both components.', {
    enabled: z.boolean().default(false).describe('Make a PrometheusRule.'),
    labels: texts.default({}).describe('Labels that your Prometheus selects by.'),
  }),

  networkPolicy: group('Who may talk to the pods, and whom they may talk to.', {
    enabled: z.boolean().default(false).describe('Make NetworkPolicies: only the ports of health and of exposed metrics are open.'),
    metricsFrom: z.array(freeForm).default([]).describe('Peers that may reach the metrics; everybody when empty.'),
    egress: z
      .array(freeForm)
      .default([])
      .describe('Rules for what the pods may reach beside DNS: the API server, Kafka and Elasticsearch must be among it. Nothing is limited when empty.'),
  }),

  podDisruptionBudget: group('Keeps a drain from taking all pods of a component at once.', {
    enabled: z.boolean().default(true).describe('Make one for each component that has more than one pod.'),
  }),

  crds: group('The definitions of the six kinds.', {
    install: z
      .boolean()
      .default(true)
      .describe('Install and upgrade them with the chart. They stay when it is uninstalled. Only one release of a cluster may have them.'),
  }),

  platform: group('A first Platform, in the namespace of the release. It stays when the chart is uninstalled.', {
    create: z.boolean().default(false).describe('Make it from `spec`.'),
    name: name.min(1).max(40).default('default').describe('Its name; resources go to `default` if they name none.'),
    spec: platformSpec
      .optional()
      .describe('What `kubectl explain gplat.spec` tells. Secrets are named, not given here.')
      .meta({
        examples: [
          { kafka: { bootstrapServers: ['kafka:9092'] }, elasticsearch: { url: 'https://search:9200', authentication: { secretRef: { name: 'search' } } } },
        ],
      }),
  }),

  rights: group('What people and programs may do.', {
    roles: z
      .boolean()
      .default(true)
      .describe('Make the ClusterRoles grue-view, grue-editor, grue-promoter and grue-admin. Only one release of a cluster may have them.'),
    admission: z.boolean().default(true).describe('Make the ValidatingAdmissionPolicies that guard verbs, approvals, deletions, statuses and Revisions.'),
    secretNames: z
      .array(name.min(1))
      .default([])
      .describe('The only Secrets that operator and workers may read: those that Platforms name. All of the namespace when empty. They are never listed.'),
  }),

  global: freeForm.optional().describe('Helm hands it to subcharts; nothing here looks at it.'),
});
