import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What clusters may leave on this machine, as lines; the same before and after when they leave nothing. */
export function stateOfHost(): readonly string[] {
  const list = (what: string, lines: readonly string[]) => lines.map((line) => `${what} ${line}`);
  const hierarchies = readdirSync('/sys/fs/cgroup').flatMap((name) => {
    try {
      return readdirSync(`/sys/fs/cgroup/${name}`).map((group) => `${name}/${group}`);
    } catch {
      return []; // a file
    }
  });
  return [
    ...list('device', readdirSync('/sys/class/net')),
    ...list('mount', readFileSync('/proc/mounts', 'utf8').trim().split('\n')),
    ...list(
      'control group',
      hierarchies.filter((path) => /grue-|kubepods|docker/.test(path)),
    ),
    ...list('process', processes()),
    ...list('route', readFileSync('/proc/net/route', 'utf8').trim().split('\n')),
    ...['/etc', '/opt', '/run', '/var/lib', '/var/log', '/usr/libexec'].flatMap((place) => list(place, readdirSync(place))),
  ].sort();
}

/** Those in a process namespace of their own, and those that work in the directory of a cluster. */
function processes(): readonly string[] {
  const ours = readlinkSync('/proc/self/ns/pid');
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && (readlinkSync(`/proc/${name}/ns/pid`) !== ours || readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('/grue/clusters/'));
    } catch {
      return false; // it has ended meanwhile, or is ending
    }
  });
}
