/** Who may join: version, swarm, proof or certificate, role, id. */

import { X509Certificate } from 'node:crypto';
import type { QuicConnection } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import type { ControlChannel } from '../link/control-channel.js';
import { fingerprintOf } from '../security/identity.js';
import { proofHolds, proofOf } from '../security/proof.js';
import type { Secrets } from '../security/secrets.js';
import { SWARM_VERSIONS } from '../wire/codes.js';
import type { Hello } from '../wire/control.js';
import type { MemberBook } from './member-book.js';

/** The role of the one that coordinates; nobody else may claim it. */
export const COORDINATOR_ROLE = 'coordinator';

/** What admission looks at. */
export interface AdmissionHost {
  readonly swarmId: string;
  readonly secrets: Secrets;
  /** Whether certificates lead to the swarm's CA: then TLS has looked at them already. */
  readonly certified: boolean;
  readonly book: MemberBook;
}

/** What an agent has shown itself to be. */
export interface Admitted {
  readonly version: number;
  readonly fingerprint: string;
  /** The coordinator's own proof; none on a resumed connection, which nobody else could have resumed. */
  readonly proof: Uint8Array | undefined;
}

/**
 * Judges a hello.
 *
 * @throws SwarmError `ERR_SWARM_VERSION`, `ERR_SWARM_UNKNOWN_SWARM`, `ERR_SWARM_AUTHENTICATION`, `ERR_SWARM_FORBIDDEN`
 */
export async function judge(
  host: AdmissionHost,
  hello: Hello,
  connection: QuicConnection,
  channel: ControlChannel,
): Promise<Admitted> {
  const version = SWARM_VERSIONS.find((candidate) => hello.versions.includes(candidate));
  if (version === undefined) {
    throw new SwarmError(
      'ERR_SWARM_VERSION',
      `This swarm speaks version ${SWARM_VERSIONS.join(', ')} of the protocol, and ${hello.id} speaks ${hello.versions.join(', ')}`,
    );
  }
  if (hello.swarm !== undefined && hello.swarm !== host.swarmId) {
    throw new SwarmError('ERR_SWARM_UNKNOWN_SWARM', `There is no swarm ${hello.swarm} here, but ${host.swarmId}`);
  }
  if (hello.role === COORDINATOR_ROLE) {
    throw new SwarmError('ERR_SWARM_FORBIDDEN', `The role ${COORDINATOR_ROLE} is taken; take another one`);
  }
  const [certificate] = connection.peerCertificates;
  if (!certificate) {
    throw new SwarmError('ERR_SWARM_AUTHENTICATION', `${hello.id} shows no certificate; members need one`);
  }
  const fingerprint = fingerprintOf(certificate);
  if (hello.rejoin && host.book.isRejoinToken(hello.id, fingerprint, hello.rejoin)) {
    return { version, fingerprint, proof: undefined };
  }
  if (channel.early || hello.rejoin) {
    throw new SwarmError(
      'ERR_SWARM_AUTHENTICATION',
      `The token that ${hello.id} comes back with is not known any more`,
    );
  }
  await connection.ready;
  if (host.certified) checkNames(certificate, hello.id);
  const proof = host.secrets.areSet ? await checkProof(host, hello, connection) : undefined;
  return { version, fingerprint, proof };
}

/** @returns the coordinator's own proof */
async function checkProof(host: AdmissionHost, hello: Hello, connection: QuicConnection): Promise<Uint8Array> {
  const { swarmId, secrets } = host;
  const { id, role, nonce } = hello;
  const key = await secrets.keyFor(role);
  const claims = { swarmId: hello.swarm ?? '', id, role, nonce };
  if (!proofHolds(proofOf(key, 'agent', connection, claims), hello.proof)) {
    throw new SwarmError(
      'ERR_SWARM_AUTHENTICATION',
      `${id} does not prove to know the secret of the swarm${hello.proof ? ' (is it the right one, and for its role?)' : ''}`,
    );
  }
  return proofOf(key, 'coordinator', connection, { ...claims, swarmId });
}

/** With a CA, a certificate speaks for the ids that it names and no others. */
function checkNames(certificate: Uint8Array, id: string): void {
  const { subject, subjectAltName = '' } = new X509Certificate(certificate);
  const names = subjectAltName.split(', ').map((name) => name.replace(/^DNS:/, ''));
  const common = subject?.split('\n').find((line) => line.startsWith('CN='));
  if (common === `CN=${id}` || names.includes(id)) return;
  throw new SwarmError(
    'ERR_SWARM_AUTHENTICATION',
    `The certificate of ${id} is for ${[common?.slice(3), ...names].filter(Boolean).join(', ')}; it must name the id`,
  );
}
