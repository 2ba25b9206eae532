import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { alterUserScramCredentialsV0, Connection, ScramMechanisms } from '@platformatic/kafka';
import { brokerAddress } from '../../src/drivers/kafka/connection.ts';

/** The least that Kafka takes: these passwords are random. */
const iterations = 4_096;

/** Makes a user that logs in with SCRAM-SHA-512, or gives it another password. */
export async function writeKafkaUser(bootstrapServers: string, name: string, password: string): Promise<void> {
  const { host, port } = brokerAddress(bootstrapServers);
  const connection = new Connection('e2e');
  await connection.connect(host, port);
  try {
    const salt = randomBytes(16);
    const saltedPassword = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
    await alterUserScramCredentialsV0.api.async(connection, [], [{ name, mechanism: ScramMechanisms.SCRAM_SHA_512, iterations, salt, saltedPassword }]);
  } finally {
    await connection.close();
  }
}
