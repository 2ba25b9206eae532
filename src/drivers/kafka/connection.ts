import { isIP } from 'node:net';
import type { ConnectionOptions } from '@platformatic/kafka';

/** How to get to a Kafka cluster and be let in. Both Kafka clients are set up from it. */
export interface KafkaSettings {
  /** Addresses host:port to ask first. */
  readonly bootstrapServers: readonly string[];
  /** What brokers call us in their logs and quotas. */
  readonly clientId: string;
  readonly sasl?: KafkaCredentials | undefined;
  /** Present: connections are encrypted. Without `ca` (PEM) the system authorities are trusted. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
}

export interface KafkaCredentials {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** Splits `host:port`; the host may be an IPv6 address in brackets. The form is checked where settings are read. */
export function brokerAddress(server: string): BrokerAddress {
  const colon = server.lastIndexOf(':');
  return { host: server.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(server.slice(colon + 1)) };
}

/** The part of @platformatic/kafka's options that says who we are and whom we trust. */
export function securityOptions({ bootstrapServers, sasl, tls }: KafkaSettings): Pick<ConnectionOptions, 'sasl' | 'tls' | 'tlsServerName'> {
  return {
    ...(sasl && { sasl: { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password } }),
    ...(tls && {
      tls: tls.ca === undefined ? {} : { ca: tls.ca },
      // clusters behind one address tell their brokers apart by the name in the handshake; an IP address is no such name
      tlsServerName: bootstrapServers.every((server) => isIP(brokerAddress(server).host) === 0),
    }),
  };
}
