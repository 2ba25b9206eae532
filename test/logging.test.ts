import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { KubeError } from '../src/controller/kube/errors.ts';
import type { Logger } from '../src/controller/logger.ts';
import { type LoggingOptions, redact, winstonLogger } from '../src/logging.ts';

function make(options: LoggingOptions = {}): { logger: Logger; lines: () => string[] } {
  let written = '';
  const stream = new Writable({
    write(chunk, _, done) {
      written += chunk;
      done();
    },
  });
  return { logger: winstonLogger({ ...options, stream }), lines: () => written.split('\n').slice(0, -1) };
}

test('JSON: one line per message with time, level, message and fields', () => {
  const { logger, lines } = make();
  logger.child({ controller: 'migration' }).info('flipped', { alias: 'delays', milliseconds: 12 });
  expect(lines()).toHaveLength(1);
  expect(JSON.parse(lines()[0] ?? '')).toEqual({
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    level: 'info',
    message: 'flipped',
    controller: 'migration',
    alias: 'delays',
    milliseconds: 12,
  });
});

test('text: one line for people, with quotes only where they are needed', () => {
  const { logger, lines } = make({ format: 'text' });
  logger.warn('parity failed', { object: 'flights/delays', missing: 3, note: 'two words' });
  expect(lines()[0]).toMatch(/^\S+Z WARN {2}parity failed object=flights\/delays missing=3 note="two words"$/);
});

test('a message with line breaks is still one line, in both formats', () => {
  for (const format of ['json', 'text'] as const) {
    const { logger, lines } = make({ format });
    logger.error('a\nb\r\nc', { error: new Error('x\ny'), text: 'k\nl' });
    expect(lines()).toHaveLength(1);
  }
});

test('levels below the chosen one are silent', () => {
  const { logger, lines } = make({ level: 'warn' });
  logger.debug('no');
  logger.info('no');
  logger.warn('yes');
  logger.error('yes');
  expect(lines()).toHaveLength(2);
});

test('an error shows its message, coded members and causes; its stack only in JSON', () => {
  const error = new KubeError('Conflict', 'patch leases grue: modified', { status: 409, reason: 'Conflict' });
  const wrapped = new Error('the lease was not renewed', { cause: error });
  const json = make();
  json.logger.warn('trying again', { error: wrapped });
  expect(JSON.parse(json.lines()[0] ?? '').error).toMatchObject({
    error: 'Error: the lease was not renewed',
    cause: { error: 'KubeError: patch leases grue: modified', kind: 'Conflict', status: 409 },
  });
  expect(json.lines()[0]).toContain('logging.test.ts');
  const text = make({ format: 'text' });
  text.logger.warn('trying again', { error });
  expect(text.lines()[0]).toMatch(/error="KubeError: patch leases grue: modified \(Conflict\)"$/);
});

test('values under telling keys are replaced, references to secrets are not', () => {
  const given = {
    password: 'p',
    saslPassword: 'p',
    token: 't',
    accessToken: 't',
    apiKey: 'k',
    api_key: 'k',
    'x-api-key': 'k',
    Authorization: 'Basic abc',
    clientSecret: 's',
    privateKey: 'k',
    nested: [{ secret: { data: 'd' } }],
  };
  expect(JSON.stringify(redact(given))).not.toMatch(/"[ptksd]"|abc/);
  expect(redact({ secretRef: { name: 'kafka' }, tokens: 3, keys: ['id'] })).toEqual({ secretRef: { name: 'kafka' }, tokens: 3, keys: ['id'] });
});

test('secrets inside texts are replaced: userinfo in URLs, authorization headers, password pairs', () => {
  const texts = [
    'https://elastic:changeme@search:9200/_bulk',
    'redis://:changeme@cache',
    'Authorization: Bearer changeme.changeme',
    'authorization=Basic Y2hhbmdlbWU=changeme',
    'sasl.jaas.config username="u" password="changeme" ;',
    '{"token":"changeme"}',
    'retry with api_key: changeme, then stop',
  ];
  for (const text of texts) expect(redact(text)).not.toContain('changeme');
  expect(redact('https://search:9200/a?b=c')).toBe('https://search:9200/a?b=c');
  expect(redact('ends in 3 s at user@example.org')).toBe('ends in 3 s at user@example.org');
});

test('secrets in messages, errors and their causes are replaced too', () => {
  const { logger, lines } = make();
  logger.error('GET https://u:changeme@h', { error: new Error('at https://u:changeme@h', { cause: { password: 'changeme' } }) });
  expect(lines()[0]).not.toContain('changeme');
});

test('logging never fails: circles, big integers, buffers, maps, functions and odd dates', () => {
  const circle: Record<string, unknown> = {
    offset: 12n,
    buffer: Buffer.alloc(3),
    map: new Map([['a', new Set([1n])]]),
    run: () => {},
    date: new Date(Number.NaN),
  };
  circle['self'] = circle;
  const { logger, lines } = make();
  logger.info('odd', { circle });
  const { circle: written } = JSON.parse(lines()[0] ?? '');
  expect(written).toMatchObject({ offset: '12', buffer: '3 bytes', map: { a: ['1'] }, date: 'an invalid date' });
});
