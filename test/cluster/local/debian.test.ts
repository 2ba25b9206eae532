import { afterEach, expect, test, vi } from 'vitest';
import { requireAll } from '../../stack/needs.ts';
import { environmentOf, localNeeds } from './debian.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test.runIf(process.platform === 'linux')('who is not root, on a machine without the tools, is told all of it at once and what else to do', () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1000);
  vi.stubEnv('PATH', '/nowhere');
  const check = () => requireAll(localNeeds);
  expect(check).toThrow(/STACK-HOST: .* needs root/);
  expect(check).toThrow(/STACK-HOST: .* needs apt-get, dpkg-deb, unshare, nsenter, ip, tar/);
  expect(check).toThrow(/install Docker and kind/);
});

test('programs of an unpacked root are found before those of the machine, and their libraries with them', () => {
  vi.stubEnv('PATH', '/usr/bin');
  const { PATH, LD_LIBRARY_PATH } = environmentOf('/cache/root');
  expect(PATH).toBe('/cache/root/usr/sbin:/cache/root/usr/bin:/cache/root/sbin:/cache/root/bin:/usr/bin');
  expect(LD_LIBRARY_PATH).toMatch(/^\/cache\/root\/usr\/lib\/[a-z0-9_]+-linux-gnu:/);
});
