import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findJdk } from './jdk.ts';

// The machine's own JDKs are found as well: versions that no machine has keep them out of these tests.
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'grue-jdk-test-'));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function jdk(version: string, { javac = true } = {}): string {
  const path = join(home, version);
  mkdirSync(join(path, 'bin'), { recursive: true });
  if (javac) writeFileSync(join(path, 'bin/javac'), '');
  writeFileSync(join(path, 'release'), `IMPLEMENTOR="Nobody"\nJAVA_VERSION="${version}"\n`);
  return path;
}

test('a JDK is known by its release file, also through a variable such as CI images set', () => {
  const found = findJdk(900, { JAVA_HOME_900_X64: jdk('900.0.1') });
  expect(found).toEqual({ home: join(home, '900.0.1'), major: 900, version: '900.0.1' });
});

test('the old way of counting is understood', () => {
  expect(findJdk(900, { JAVA_OLD_HOME: jdk('1.901.0_392') }).major).toBe(901);
});

test('JAVA_HOME is taken if it will do, and passed over if it is too old', () => {
  const env = { JAVA_HOME: jdk('900'), JAVA_HOME_901: jdk('901') };
  expect(findJdk(900, env).major).toBe(900);
  expect(findJdk(901, env).major).toBe(901);
});

test('of those newer than any that was tried the oldest is taken', () => {
  expect(findJdk(900, { JAVA_HOME_1: jdk('905'), JAVA_HOME_2: jdk('901') }).major).toBe(901);
});

test('a runtime without javac is no JDK, and the message says what was found and what to do', () => {
  const env = { JAVA_HOME: jdk('902', { javac: false }), JAVA_HOME_890: jdk('890') };
  expect(() => findJdk(900, env)).toThrow(/STACK-JDK: a JDK 900 or newer with javac is needed; found: .*890 in .*\n {2}install one/);
});
