import { z } from 'zod';
import { conditions, type Resource } from './common.ts';

const secretRef = z.object({ name: z.string().min(1).max(253).describe('Name of a Secret in the namespace of the Platform.') });
const tls = z
  .object({
    caSecretRef: secretRef.optional().describe('Secret whose key `ca.crt` holds the certificate authority; without it the system authorities are trusted.'),
  })
  .optional();

export const platformSpec = z.object({
  prefix: z
    .string()
    .min(1)
    .max(40)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
    .default('grue')
    .describe('First part of the name of every topic, group and index that Grue makes.'),
  kafka: z
    .object({
      bootstrapServers: z
        .array(
          z
            .string()
            .min(1)
            .max(300)
            .regex(/^[^\s:/@]+:[0-9]{1,5}$/),
        )
        .min(1)
        .max(32)
        .describe('Addresses host:port to ask first.'),
      authentication: z
        .object({
          mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).default('SCRAM-SHA-512').describe('SASL mechanism.'),
          secretRef: secretRef.describe('Secret with the keys `username` and `password`.'),
        })
        .optional(),
      tls: tls.describe('Present: connections are encrypted.'),
    })
    .describe('The Kafka cluster.'),
  elasticsearch: z
    .object({
      url: z
        .string()
        .min(1)
        .max(2048)
        .regex(/^https?:\/\/[^\s@]+$/)
        .describe('Address of the cluster, without credentials.'),
      authentication: z.object({ secretRef: secretRef.describe('Secret with the keys `username` and `password`, or with the key `apiKey`.') }).optional(),
      tls,
    })
    .describe('The Elasticsearch cluster.'),
});
export type PlatformSpec = z.output<typeof platformSpec>;

export const platformStatus = z.object({
  observedGeneration: z.int().optional(),
  kafkaClusterId: z.string().max(128).optional().describe('Identity of the Kafka cluster, recorded at the first contact.'),
  elasticsearchUuid: z.string().max(128).optional().describe('Identity of the Elasticsearch cluster, recorded at the first contact.'),
  conditions,
});
export type PlatformStatus = z.output<typeof platformStatus>;
export type Platform = Resource<'Platform', PlatformSpec, PlatformStatus>;
