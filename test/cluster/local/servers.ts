import { join } from 'node:path';
import { answersOk } from '../../stack/kubernetes/cluster.ts';
import type { ServerSpec } from '../../stack/server.ts';
import type { NodeBinaries } from './binaries.ts';
import { type Layout, NODE, SERVICES } from './layout.ts';
import { inNetwork, inNode } from './namespaces.ts';

/** What the servers are run with: the programs, the files, the node's first process, and where Debian's programs are found. */
export interface Node {
  readonly binaries: NodeBinaries;
  readonly layout: Layout;
  readonly init: number;
  readonly env: Readonly<Record<string, string>>;
}

const ETCD = 'http://127.0.0.1:2379';
const ETCD_PEER = 'http://127.0.0.1:2380';

/** Ready is asked of the API server, which cannot come up without it: its own port is on the node's loopback. */
export function etcdSpec({ binaries, layout, init }: Node): ServerSpec {
  return {
    name: 'etcd',
    command: inNetwork(init, [
      binaries.etcd,
      ...['--name', NODE, '--data-dir', join(layout.directory, 'etcd'), '--log-level', 'warn'],
      ...['--listen-client-urls', ETCD, '--advertise-client-urls', ETCD],
      ...['--listen-peer-urls', ETCD_PEER, '--initial-advertise-peer-urls', ETCD_PEER, '--initial-cluster', `${NODE}=${ETCD_PEER}`],
      '--unsafe-no-fsync', // nothing in it has to survive the machine
    ]),
    cwd: layout.directory,
    ready: async () => true,
  };
}

export function apiServerSpec({ binaries, layout, init }: Node): ServerSpec {
  const { directory, wire, auditLog } = layout;
  const file = (name: string) => join(directory, name);
  return {
    name: 'kube-apiserver',
    command: inNetwork(init, [
      binaries.apiServer,
      ...['--etcd-servers', ETCD, '--bind-address', wire.node, '--advertise-address', wire.node, '--secure-port', '6443'],
      ...[
        '--tls-cert-file',
        file('apiserver.crt'),
        '--tls-private-key-file',
        file('apiserver.key'),
        '--client-ca-file',
        file('ca.crt'),
        '--cert-dir',
        directory,
      ],
      ...['--kubelet-certificate-authority', file('ca.crt'), '--kubelet-preferred-address-types', 'InternalIP'],
      ...['--kubelet-client-certificate', file('kubelet-client.crt'), '--kubelet-client-key', file('kubelet-client.key')],
      ...['--service-account-issuer', 'https://kubernetes.default.svc.cluster.local'],
      ...['--service-account-key-file', file('tokens.pub'), '--service-account-signing-key-file', file('tokens.key')],
      ...['--authorization-mode', 'Node,RBAC', '--enable-admission-plugins', 'NodeRestriction', '--allow-privileged'],
      ...['--service-cluster-ip-range', SERVICES],
      // the default writes in the same moment, so that what a test reads after its request is complete
      ...(auditLog === undefined ? [] : ['--audit-policy-file', file('audit.yaml'), '--audit-log-path', auditLog]),
      // without it a stop waits a minute for watches to end by themselves
      ...['--shutdown-watch-termination-grace-period', '1s'],
    ]),
    cwd: directory,
    ready: (signal) => answersOk(layout, '/readyz', signal),
  };
}

export function controllerManagerSpec({ binaries, layout, init }: Node): ServerSpec {
  const file = (name: string) => join(layout.directory, name);
  return {
    name: 'kube-controller-manager',
    command: inNetwork(init, [
      binaries.controllerManager,
      ...['--kubeconfig', file('kube-controller-manager.kubeconfig'), '--leader-elect=false', '--secure-port', '0', '--use-service-account-credentials'],
      ...['--service-account-private-key-file', file('tokens.key'), '--root-ca-file', file('ca.crt')],
      // its default is a directory of the machine, which it makes
      ...['--flex-volume-plugin-dir', file('volume-plugins')],
      ...['--cluster-signing-cert-file', file('ca.crt'), '--cluster-signing-key-file', file('ca.key')],
    ]),
    cwd: layout.directory,
    // its work is the proof: it gives every namespace a service account
    ready: (signal) => answersOk(layout, '/api/v1/namespaces/default/serviceaccounts/default', signal),
  };
}

/** That pods come up is the proof of this and the servers below. */
export function schedulerSpec({ binaries, layout, init }: Node): ServerSpec {
  return {
    name: 'kube-scheduler',
    command: inNetwork(init, [
      binaries.scheduler,
      '--kubeconfig',
      join(layout.directory, 'kube-scheduler.kubeconfig'),
      '--leader-elect=false',
      '--secure-port',
      '0',
    ]),
    cwd: layout.directory,
    ready: async () => true,
  };
}

export function proxySpec({ binaries, layout, init, env }: Node): ServerSpec {
  return {
    name: 'kube-proxy',
    command: inNetwork(init, [binaries.proxy, '--config', join(layout.directory, 'kube-proxy.yaml')]),
    cwd: layout.directory,
    env,
    ready: async () => true,
  };
}

export function containerdSpec({ layout, init, env }: Node): ServerSpec {
  return {
    name: 'containerd',
    command: inNode(init, ['containerd', '--config', join(layout.directory, 'containerd.toml')]),
    cwd: layout.directory,
    env,
    ready: async () => true,
  };
}

export function kubeletSpec({ binaries, layout, init, env }: Node): ServerSpec {
  const { directory, wire } = layout;
  return {
    name: 'kubelet',
    command: inNode(init, [
      binaries.kubelet,
      ...['--config', join(directory, 'kubelet.yaml'), '--kubeconfig', join(directory, 'kubelet.kubeconfig'), '--root-dir', join(directory, 'kubelet')],
      ...['--hostname-override', NODE, '--node-ip', wire.node],
    ]),
    cwd: directory,
    env,
    ready: async (signal) => answersOk(layout, `/api/v1/nodes/${NODE}`, signal),
  };
}
