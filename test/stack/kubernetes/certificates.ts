import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/**
 * X.509 certificates for a cluster of our own. Node can sign and export keys but not write certificates, and openssl is
 * not on every machine; the part of DER that is needed fits on a page. All keys are P-256.
 */
export interface Authority {
  readonly certificate: string;
  readonly key: KeyObject;
  readonly name: Buffer;
}

export interface Credentials {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

const VALID_DAYS = 365;

export function makeAuthority(commonName: string): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = distinguishedName(commonName, []);
  const extensions = [critical(OID.basicConstraints, sequence(boolean(true))), critical(OID.keyUsage, bits(0x06, 1))];
  return { certificate: certificate({ issuer: name, subject: name, publicKey, extensions, signer: privateKey }), key: privateKey, name };
}

/** An authority as it was written to disk. */
export function authorityOf(certificatePem: string, key: KeyObject, commonName: string): Authority {
  return { certificate: certificatePem, key, name: distinguishedName(commonName, []) };
}

/** For a server that is reached by these names and IPv4 addresses. */
export function issueServer(authority: Authority, names: readonly string[], addresses: readonly string[]): Credentials {
  const alternatives = sequence(
    ...names.map((name) => tagged(0x82, Buffer.from(name))),
    ...addresses.map((address) => tagged(0x87, Buffer.from(address.split('.').map(Number)))),
  );
  return issue(authority, distinguishedName(names[0] ?? '', []), [
    extension(OID.extendedKeyUsage, sequence(OID.serverAuth)),
    extension(OID.subjectAlternativeName, alternatives),
  ]);
}

/** For a user: Kubernetes takes the common name as the user's name and the organisations as the groups. */
export function issueUser(authority: Authority, user: string, groups: readonly string[]): Credentials {
  return issue(authority, distinguishedName(user, groups), [extension(OID.extendedKeyUsage, sequence(OID.clientAuth))]);
}

export function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function issue(authority: Authority, subject: Buffer, more: readonly Buffer[]): Credentials {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [critical(OID.keyUsage, bits(0x80, 7)), ...more];
  return { certificate: certificate({ issuer: authority.name, subject, publicKey, extensions, signer: authority.key }), key: pem(privateKey) };
}

interface Contents {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly signer: KeyObject;
}

function certificate({ issuer, subject, publicKey, extensions, signer }: Contents): string {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0); // positive, and no leading zero
  const day = 24 * 60 * 60 * 1000;
  const now = Date.now();
  const version3 = tagged(0xa0, tagged(0x02, Buffer.from([2])));
  // valid from yesterday: clocks of a virtual machine and its host may differ
  const validity = sequence(time(now - day), time(now + VALID_DAYS * day));
  const body = sequence(
    version3,
    tagged(0x02, serial),
    ALGORITHM,
    issuer,
    validity,
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signed = sequence(body, ALGORITHM, bits(sign('sha256', body, signer), 0));
  return `-----BEGIN CERTIFICATE-----\n${signed.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string, organisations: readonly string[]): Buffer {
  const attribute = (type: Buffer, value: string) => tagged(0x31, sequence(type, tagged(0x0c, Buffer.from(value))));
  return sequence(...organisations.map((organisation) => attribute(OID.organisation, organisation)), attribute(OID.commonName, commonName));
}

function extension(id: Buffer, value: Buffer): Buffer {
  return sequence(id, tagged(0x04, value));
}

function critical(id: Buffer, value: Buffer): Buffer {
  return sequence(id, boolean(true), tagged(0x04, value));
}

/** DER: a tag, the length of the content in as few bytes as possible, the content. */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xffff ? 6 : length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

function bits(value: number | Buffer, unused: number): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([unused]), typeof value === 'number' ? Buffer.from([value]) : value]));
}

/** UTCTime, which certificates use until 2049. */
function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replace(/\D/g, '');
  return tagged(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

const OID = {
  commonName: oid('550403'),
  organisation: oid('55040a'),
  keyUsage: oid('551d0f'),
  subjectAlternativeName: oid('551d11'),
  basicConstraints: oid('551d13'),
  extendedKeyUsage: oid('551d25'),
  serverAuth: oid('2b06010505070301'),
  clientAuth: oid('2b06010505070302'),
} as const;

const ALGORITHM = sequence(oid('2a8648ce3d040302')); // ECDSA with SHA-256
