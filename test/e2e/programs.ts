import { spawn } from 'node:child_process';

export interface Programs {
  kubectl(args: readonly string[], input?: string): Promise<string>;
  helm(args: readonly string[], input?: string): Promise<string>;
}

/** kubectl and Helm on one cluster. What is under way ends with the signal. */
export function programsOn(cluster: { readonly kubeconfig: string; readonly kubectl: string; readonly helm: string }, signal: AbortSignal): Programs {
  const flag = ['--kubeconfig', cluster.kubeconfig];
  return {
    kubectl: (args, input) => run([cluster.kubectl, ...flag, ...args], input, signal),
    helm: (args, input) => run([cluster.helm, ...flag, ...args], input, signal),
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
