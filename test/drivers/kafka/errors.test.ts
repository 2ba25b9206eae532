import { AuthenticationError, MultipleErrors, NetworkError, TimeoutError, UnsupportedCompressionError, UserError } from '@platformatic/kafka';
import { describe, expect, test } from 'vitest';
import {
  accept,
  errorName,
  isAuthentication,
  isMisuse,
  isNetwork,
  isUnknownCompression,
  reasonsOf,
  refused,
  Transient,
} from '../../../src/drivers/kafka/errors.ts';

describe('what a broker refuses', () => {
  const code = { NOT_COORDINATOR: 16, TOPIC_AUTHORIZATION_FAILED: 29, INVALID_CONFIG: 40, REQUEST_TIMED_OUT: 7, unheardOf: 9999 };

  test('no error is accepted', () => {
    expect(() => accept({ errorCode: 0 }, 'topic t')).not.toThrow();
  });

  test('what passes by itself is transient, and knows what to say when it does not pass', () => {
    const error = refused({ errorCode: code.NOT_COORDINATOR }, 'group g');
    expect(error).toBeInstanceOf(Transient);
    expect((error as Transient).failure).toMatchObject({ code: 'GRUE-KFK-008', message: expect.stringContaining('group g: NOT_COORDINATOR') });
  });

  test('what may have been carried out is not transient', () => {
    expect(refused({ errorCode: code.REQUEST_TIMED_OUT }, 'topic t')).toMatchObject({ code: 'GRUE-KFK-008' });
  });

  test('the words of the broker are kept', () => {
    expect(refused({ errorCode: code.INVALID_CONFIG, errorMessage: 'no such policy' }, 'topic t').message).toContain('INVALID_CONFIG: no such policy');
    expect(refused({ errorCode: code.INVALID_CONFIG, errorMessage: null }, 'topic t').message).toMatch(/INVALID_CONFIG: .+/);
  });

  test('a missing right names the way out', () => {
    expect(refused({ errorCode: code.TOPIC_AUTHORIZATION_FAILED }, 'topic t')).toMatchObject({ fix: expect.stringContaining('grant') });
  });

  test('a code that is newer than the library is told by its number', () => {
    expect(errorName(code.unheardOf)).toBe('error 9999');
    expect(refused({ errorCode: code.unheardOf }, 'topic t')).toMatchObject({ code: 'GRUE-KFK-008', message: expect.stringContaining('error 9999') });
  });
});

describe('what the library throws', () => {
  const deep = (cause: Error) => new MultipleErrors('outer', [new NetworkError('Connection to h:1 failed.', { cause })]);

  test('is looked through to the bottom', () => {
    expect(isNetwork(deep(new Error('ECONNREFUSED')))).toBe(true);
    expect(isNetwork(new TimeoutError('Request timed out'))).toBe(true);
    expect(isAuthentication(deep(new AuthenticationError('no')))).toBe(true);
    expect(isAuthentication(deep(new Error('ECONNREFUSED')))).toBe(false);
    expect(isAuthentication(deep(new AuthenticationError('no mechanism', { cause: new NetworkError('Connection closed') })))).toBe(false);
    expect(isMisuse(new UserError('Broker requires TLS.'))).toBe(true);
    expect(isUnknownCompression(new UnsupportedCompressionError('bitmask 5'))).toBe(true);
    expect(isNetwork(new TypeError('a mistake of ours'))).toBe(false);
    expect(isNetwork('no error at all')).toBe(false);
  });

  test('has its reasons at the bottom, each told once', () => {
    expect(reasonsOf(deep(new Error('connect ECONNREFUSED h:1')))).toBe('connect ECONNREFUSED h:1');
    expect(reasonsOf(new MultipleErrors('outer', [deep(new Error('a')), deep(new Error('b')), deep(new Error('a'))]))).toBe('a; b');
  });
});
