/** What can go wrong with the stack itself, as a closed list. The product's own errors are in `src/api/errors.ts`. */
export type StackErrorCode =
  | 'STACK-JDK' // no JDK that is new enough
  | 'STACK-MAVEN'
  | 'STACK-GO'
  | 'STACK-ASSETS' // KUBEBUILDER_ASSETS or KUBECONFIG does not hold what it should
  | 'STACK-BUILD' // a build or download failed
  | 'STACK-SERVER' // a server ended or did not become ready
  | 'STACK-PORT' // the port that a server was given was taken in the meantime
  | 'STACK-HOST' // the machine is not one that a cluster of plain processes can run on
  | 'STACK-STATE'; // already up, not up, unknown name

export class StackError extends Error {
  readonly code: StackErrorCode;
  readonly fix: string | undefined;

  constructor(code: StackErrorCode, message: string, fix?: string) {
    super(fix === undefined ? `${code}: ${message}` : `${code}: ${message}\n  ${fix}`);
    this.name = 'StackError';
    this.code = code;
    this.fix = fix;
  }

  /** One error for several messages that are complete already. */
  static joined(code: StackErrorCode, messages: readonly string[]): StackError {
    const error = new StackError(code, '');
    error.message = messages.join('\n');
    return error;
  }
}
