import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.ts';
import type { Progress } from './commands.ts';
import type { Jdk } from './jdk.ts';
import { end, launch, type ServerSpec, untilReady } from './server.ts';

/** JVM flags for a class archive; one that does not fit is ignored by the JVM, it is only slower then. */
export const archiveFlags = (archive: string): readonly string[] => [`-XX:SharedArchiveFile=${archive}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off'];

/**
 * The archive of the classes that a server loads until it is ready, which halves the time of its start. It is made by
 * running the server once, and belongs to one installation and one JDK.
 *
 * @param spec how to run the server with these flags in this directory
 */
export function classArchive(
  key: string,
  jdk: Jdk,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
  spec: (flags: readonly string[], directory: string) => Promise<ServerSpec>,
): Promise<string> {
  return cached(`${key}-jdk-${jdk.version}.jsa`, { progress, signal }, async (path) => {
    const scratch = `${path}.run`;
    await mkdir(scratch, { recursive: true });
    try {
      const archive = join(scratch, 'classes.jsa');
      const server = await launch(await spec([`-XX:ArchiveClassesAtExit=${archive}`], scratch), scratch);
      try {
        await untilReady(server, scratch, signal);
      } finally {
        await end(server, scratch, 'SIGTERM');
      }
      // a JVM that cannot write one is not a reason to stop: an empty file is ignored like any that does not fit
      await (existsSync(archive) ? rename(archive, path) : writeFile(path, ''));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}
