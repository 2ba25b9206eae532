import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { issueServer, issueUser, makeAuthority } from './kubernetes/certificates.ts';

const authority = makeAuthority('an authority');

test('the authority is one, and signs itself', () => {
  const certificate = new X509Certificate(authority.certificate);
  expect(certificate.ca).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.subject).toBe('CN=an authority');
});

test("a user's certificate carries the name and the groups, and is signed by the authority", () => {
  const certificate = new X509Certificate(issueUser(authority, 'jané@example.org', ['devs', 'ops']).certificate);
  expect(certificate.subject).toBe('O=devs\nO=ops\nCN=jané@example.org');
  expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(new Date(certificate.validTo).getTime()).toBeGreaterThan(Date.now());
});

test('names so long that DER needs two bytes for a length are written right', () => {
  const groups = Array.from({ length: 40 }, (_, i) => `a-group-with-a-rather-long-name-${i}`);
  const certificate = new X509Certificate(issueUser(authority, 'jane', groups).certificate);
  expect(certificate.subject.split('\n')).toHaveLength(41);
});

test('a TLS client that trusts the authority accepts the server by name and by address, and the server sees the user', async () => {
  const { certificate: cert, key } = issueServer(authority, ['localhost', 'kubernetes'], ['127.0.0.1']);
  const server = createServer({ cert, key, ca: authority.certificate, requestCert: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const user = issueUser(authority, 'jane', ['devs']);
  for (const host of ['127.0.0.1', 'localhost']) {
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const client = connect({
      host: '127.0.0.1',
      servername: host === 'localhost' ? host : '',
      port: (server.address() as AddressInfo).port,
      ca: authority.certificate,
      cert: user.certificate,
      key: user.key,
    });
    await once(client, 'secureConnect');
    const [socket] = await accepted;
    expect(client.authorized).toBe(true);
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerCertificate().subject.CN).toBe('jane');
    client.destroy();
  }
  server.close();
});

test('a certificate of another authority of the same name is not accepted', () => {
  const other = makeAuthority('an authority');
  const certificate = new X509Certificate(issueUser(other, 'jane', []).certificate);
  expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(false);
  expect(certificate.verify(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)).toBe(false);
});
