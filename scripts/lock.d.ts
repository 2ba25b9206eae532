export function processStart(pid: number): string | undefined;
export function tryLock(path: string): number | undefined;
export function unlock(path: string): void;
export function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options?: { readonly onWait?: (pid: number) => void; readonly signal?: AbortSignal | undefined },
): Promise<T>;
