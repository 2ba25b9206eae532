import { expect, test } from 'vitest';
import { brokerAddress, securityOptions } from '../../../src/drivers/kafka/connection.ts';

const settings = { bootstrapServers: ['kafka-1:9092', 'kafka-2:9092'], clientId: 'grue' };

test('an address is split at its last colon, and IPv6 stands in brackets', () => {
  expect(brokerAddress('kafka.svc:9092')).toEqual({ host: 'kafka.svc', port: 9092 });
  expect(brokerAddress('[2001:db8::1]:9093')).toEqual({ host: '2001:db8::1', port: 9093 });
});

test('without credentials and TLS nothing is set', () => {
  expect(securityOptions(settings)).toEqual({});
});

test('credentials go in as they are', () => {
  const sasl = { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p' } as const;
  expect(securityOptions({ ...settings, sasl })).toEqual({ sasl });
});

test('TLS names the server, unless the addresses are numbers', () => {
  expect(securityOptions({ ...settings, tls: { ca: 'PEM' } })).toEqual({ tls: { ca: 'PEM' }, tlsServerName: true });
  expect(securityOptions({ ...settings, tls: {} })).toEqual({ tls: {}, tlsServerName: true });
  expect(securityOptions({ ...settings, bootstrapServers: ['10.0.0.1:9093'], tls: {} })).toEqual({ tls: {}, tlsServerName: false });
});
