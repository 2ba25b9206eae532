import { spawn } from 'node:child_process';

export interface Programs {
  kubectl(args: readonly string[], input?: string): Promise<string>;
  helm(args: readonly string[], input?: string): Promise<string>;
}

export interface ProgramsOptions {
  readonly cluster: { readonly kubeconfig: string; readonly kubectl: string; readonly helm: string };
  /** Told what Helm says, and every error. */
  readonly note: (text: string) => void;
  /** What is under way ends with it. */
  readonly signal: AbortSignal;
}

/** kubectl and Helm on one cluster. */
export function programsOn({ cluster, note, signal }: ProgramsOptions): Programs {
  const flag = ['--kubeconfig', cluster.kubeconfig];
  const noting = async (output: Promise<string>, isTold: boolean): Promise<string> => {
    try {
      const text = await output;
      if (isTold) note(text);
      return text;
    } catch (error) {
      note((error as Error).message);
      throw error;
    }
  };
  return {
    kubectl: (args, input) => noting(run([cluster.kubectl, ...flag, ...args], input, signal), false),
    helm: (args, input) => noting(run([cluster.helm, ...flag, ...args], input, signal), true),
  };
}

/** @returns what the program writes to its standard output @throws Error with all that it said, when it fails */
async function run(command: readonly string[], input: string | undefined, signal: AbortSignal): Promise<string> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], signal });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdin.on('error', () => {}); // a program that does not read what it is given
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code === 0) return output;
  const shown = args.filter((_, i) => args[i] !== '--kubeconfig' && args[i - 1] !== '--kubeconfig').join(' ');
  throw new Error(`\`${program.split('/').at(-1)} ${shown}\` ended with ${code}: ${`${errors}${output}`.trim()}`);
}
