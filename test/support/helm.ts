import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { helmProgram } from '../cluster/local/binaries.ts';

const run = promisify(execFile);
export const chart = join(import.meta.dirname, '../../charts/grue');

type Labels = Readonly<Record<string, string>>;

export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Labels };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly securityContext: object;
    readonly containers: readonly { readonly args: readonly string[]; readonly securityContext: object }[];
    readonly volumes?: readonly { readonly emptyDir?: object }[];
  };
}

/** A manifest that Helm has made, with those fields that tests look at. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: Labels };
  readonly rules?: readonly PolicyRule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly name: string; readonly namespace: string }[];
  readonly spec?: {
    readonly selector?: Labels | { readonly matchLabels: Labels };
    readonly podSelector?: { readonly matchLabels: Labels };
    readonly template?: PodTemplate;
  };
}

interface HelmOptions {
  readonly kubeconfig?: string;
  /** For who gives `--values -`. */
  readonly input?: string;
}

/** @returns what it prints. @throws Error that holds what it said */
export async function helm(args: readonly string[], { kubeconfig, input = '' }: HelmOptions = {}): Promise<string> {
  const program = await helmProgram((line) => console.error(line), new AbortController().signal);
  // a home of its own: neither plugins nor repositories of this machine have a say
  const home = mkdtempSync(join(tmpdir(), 'helm-'));
  const env = { PATH: process.env['PATH'], HOME: home, HELM_NO_PLUGINS: '1', ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }) };
  try {
    const running = run(program, [...args], { env, maxBuffer: 16 * 1024 * 1024 });
    running.child.stdin?.end(input);
    return (await running).stdout;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

interface RenderOptions {
  readonly namespace?: string;
  /** Kinds that the cluster is said to know. */
  readonly apiVersions?: readonly string[];
}

/** What the chart makes of these values for a release called grue. */
export async function render(values: object, { namespace = 'flights', apiVersions = [] }: RenderOptions = {}): Promise<string> {
  const known = apiVersions.flatMap((one) => ['--api-versions', one]);
  return helm(['template', 'grue', chart, '--namespace', namespace, '--values', '-', ...known], { input: JSON.stringify(values) });
}

export const manifestsOf = (text: string): readonly Manifest[] => parseAllDocuments(text).flatMap((document) => (document.toJS() as Manifest | null) ?? []);

/** The part of the text that templates under these folders have made, or all but that. */
export function fromFolders(text: string, folders: readonly string[], wanted: boolean): string {
  const isFrom = (document: string) => folders.some((folder) => document.includes(`# Source: grue/templates/${folder}/`));
  return text
    .split(/^---\n/m)
    .filter((document) => document.trim() !== '' && isFrom(document) === wanted)
    .map((document) => `---\n${document.trimEnd()}\n`)
    .join('');
}
