import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Credentials, issueServer, issueUser, makeAuthority, pem } from '../../stack/kubernetes/certificates.ts';
import { AUTHORITY, kubeconfig } from '../../stack/kubernetes/cluster.ts';
import { IMAGES } from './binaries.ts';
import { controlGroup, type Wire } from './namespaces.ts';

export const NODE = 'node1';
const PODS = '10.245.0.0/24';
export const SERVICES = '10.97.0.0/16';
const API_ADDRESS = '10.97.0.1';
export const DNS_ADDRESS = '10.97.0.10';

export interface Layout {
  readonly directory: string;
  readonly wire: Wire;
  readonly server: string;
  readonly certificate: string;
  readonly admin: Credentials;
  readonly kubeconfigPath: string;
  readonly auditLog?: string;
}

/** Everything that servers of the node read. Their data and logs are in the same directory. */
export async function layOutNode(directory: string, wire: Wire, cni: string, audit: boolean): Promise<Layout> {
  await mkdir(join(directory, 'cni'), { recursive: true, mode: 0o700 });
  const authority = makeAuthority(AUTHORITY);
  const server = `https://${wire.node}:6443`;
  const dns = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost'];
  const tokens = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const admin = issueUser(authority, 'kubernetes-admin', ['system:masters']);
  const apiServer = issueServer(authority, dns, [wire.node, '127.0.0.1', API_ADDRESS]);
  const kubelet = issueServer(authority, [NODE], [wire.node]);
  const apiServerAsClient = issueUser(authority, 'kube-apiserver-kubelet-client', ['system:masters']);
  const users = {
    'kube-controller-manager': issueUser(authority, 'system:kube-controller-manager', []),
    'kube-scheduler': issueUser(authority, 'system:kube-scheduler', []),
    'kube-proxy': issueUser(authority, 'system:kube-proxy', []),
    kubelet: issueUser(authority, `system:node:${NODE}`, ['system:nodes']),
    admin,
  };
  const at = (name: string) => join(directory, name);
  const files: Record<string, string> = {
    'ca.crt': authority.certificate,
    'ca.key': pem(authority.key),
    'apiserver.crt': apiServer.certificate,
    'apiserver.key': apiServer.key,
    'kubelet.crt': kubelet.certificate,
    'kubelet.key': kubelet.key,
    'kubelet-client.crt': apiServerAsClient.certificate,
    'kubelet-client.key': apiServerAsClient.key,
    'tokens.key': pem(tokens.privateKey),
    'tokens.pub': tokens.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    'kubelet.yaml': json(kubeletConfiguration(directory, wire)),
    'kube-proxy.yaml': json(proxyConfiguration(directory, wire)),
    'containerd.toml': containerdConfiguration(directory, cni),
    'cni/10-pods.conflist': json(podNetwork(directory)),
    'audit.yaml': json({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules: [{ level: 'Metadata' }] }),
  };
  for (const [name, credentials] of Object.entries(users)) files[`${name}.kubeconfig`] = kubeconfig(server, authority.certificate, name, credentials);
  await Promise.all(Object.entries(files).map(([name, content]) => writeFile(at(name), content, { mode: 0o600 })));
  const facts = { directory, wire, server, certificate: authority.certificate, admin, kubeconfigPath: at('admin.kubeconfig') };
  return audit ? { ...facts, auditLog: at('audit.log') } : facts;
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** The second half is what a small container or virtual machine may withhold: cgroup v2, a lower oom_score_adj, quotas of disks. */
function kubeletConfiguration(directory: string, { node }: Wire): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: node,
    healthzBindAddress: node,
    readOnlyPort: 0,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: join(directory, 'ca.crt') } },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(directory, 'kubelet.crt'),
    tlsPrivateKeyFile: join(directory, 'kubelet.key'),
    clusterDNS: [DNS_ADDRESS],
    clusterDomain: 'cluster.local',
    resolvConf: '',
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    podLogsDir: join(directory, 'pod-logs'),
    volumePluginDir: join(directory, 'volume-plugins'),
    cgroupRoot: `/${controlGroup(directory)}`,
    makeIPTablesUtilChains: false,
    registerWithTaints: [],
    maxPods: 60,
    // tests delete pods and wait for what comes of it
    shutdownGracePeriod: '0s',
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    oomScoreAdj: 0,
    localStorageCapacityIsolation: false,
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%', 'memory.available': '100Mi' },
    imageGCHighThresholdPercent: 100,
  };
}

function proxyConfiguration(directory: string, { node }: Wire): unknown {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clusterCIDR: PODS,
    hostnameOverride: NODE,
    bindAddress: node,
    healthzBindAddress: `${node}:10256`,
    metricsBindAddress: `${node}:10249`,
    nodePortAddresses: [`${node}/32`],
    clientConnection: { kubeconfig: join(directory, 'kube-proxy.kubeconfig') },
    // limits of the whole machine, which a network namespace may not set
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}

/** Sockets and state are in /run of the node, where they are by default. */
function containerdConfiguration(directory: string, cni: string): string {
  return `version = 2
root = "${join(directory, 'containerd')}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${join(directory, 'containerd-opt')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGES.pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cni}"
    conf_dir = "${join(directory, 'cni')}"
`;
}

function podNetwork(directory: string): unknown {
  const ipam = { type: 'host-local', dataDir: join(directory, 'cni-data'), ranges: [[{ subnet: PODS }]], routes: [{ dst: '0.0.0.0/0' }] };
  return { cniVersion: '1.0.0', name: 'pods', plugins: [{ type: 'ptp', ipMasq: false, ipam }] };
}
