import { z } from 'zod';
import { conditions, listBy, observedGeneration, type Resource, text, time } from './common.ts';
import { requestResult } from './stream-migration.ts';

const secretRef = z.object({
  name: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/, { message: 'must be the name of a Secret' })
    .describe('Name of a Secret in the namespace of the Platform.'),
});
const tls = z
  .object({
    caSecretRef: secretRef.optional().describe('Secret whose key `ca.crt` holds the certificate authority; without it the system authorities are trusted.'),
  })
  .optional();

const usernameAndPassword = secretRef.describe('Secret with the keys `username` and `password`.');

export const platformSpec = z
  .object({
    prefix: z
      .string()
      .min(1)
      .max(40)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { message: 'must be lower case letters, digits and "-", and begin and end with a letter or digit' })
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
              .regex(/^(\[[0-9a-fA-F:.]+\]|[-A-Za-z0-9._]+):[0-9]{1,5}$/, { message: 'must be host:port' }),
          )
          .min(1)
          .max(32)
          .describe('Addresses host:port to ask first.'),
        authentication: z
          .object({
            mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).default('SCRAM-SHA-512').describe('SASL mechanism.'),
            secretRef: usernameAndPassword,
          })
          .optional()
          .describe('Present: clients log in with SASL.'),
        tls: tls.describe('Present: connections are encrypted.'),
      })
      .describe('The Kafka cluster.'),
    elasticsearch: z
      .object({
        url: z
          .string()
          .min(1)
          .max(2048)
          .regex(/^https?:\/\/[!-?A-~]+$/, { message: 'must be an http or https address without credentials' })
          .describe('Address of the cluster, without credentials.'),
        authentication: z
          .object({ secretRef: secretRef.describe('Secret with the keys `username` and `password`, or with the key `apiKey`.') })
          .optional()
          .describe('Present: requests carry these credentials.'),
        tls: tls.describe('How the certificate of an https address is judged.'),
      })
      .describe('The Elasticsearch cluster.'),
  })
  .describe('Where things run. The only resource with addresses and references to Secrets.');
export type PlatformSpec = z.output<typeof platformSpec>;

const orphan = z.object({
  kind: z.enum(['Index', 'Topic', 'Group']).describe('What it is.'),
  name: text(255).describe('Its physical name.'),
  why: text(512).describe('Why nobody knows it, for people.'),
  since: time.describe('When that was found.'),
});

export const platformStatus = z
  .object({
    observedGeneration,
    kafkaClusterId: text(128).optional().describe('Identity of the Kafka cluster, recorded at the first contact.'),
    elasticsearchUuid: text(128).optional().describe('Identity of the Elasticsearch cluster, recorded at the first contact.'),
    orphans: listBy(['kind', 'name'], orphan, 50)
      .optional()
      .describe('What was made for this namespace and no Revision knows any more. It is never removed by itself.'),
    orphanCount: z.int().optional().describe('How many there are, those beyond the list included.'),
    requests: z.array(requestResult).max(10).optional().describe('The last requests of people and their results.'),
    conditions,
  })
  .describe('What the operator found out.');
export type PlatformStatus = z.output<typeof platformStatus>;
export type Platform = Resource<'Platform', PlatformSpec, PlatformStatus>;
