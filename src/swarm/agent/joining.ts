/** The agent's side of joining: hello, proofs both ways, welcome. */

import { randomBytes } from 'node:crypto';
import type { QuicConnection } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import { readWithin, type ControlChannel } from '../link/control-channel.js';
import type { MemberCore } from '../member-core.js';
import { proofHolds, proofOf } from '../security/proof.js';
import type { Secrets } from '../security/secrets.js';
import { SWARM_VERSIONS } from '../wire/codes.js';
import type { ControlMessage, Hello, Welcome } from '../wire/control.js';
import { codeOf } from '../wire/error-codes.js';

/** What an agent says of itself. */
export interface AgentFacts {
  readonly role: string;
  readonly capabilities: readonly string[];
  readonly concurrency: number;
  /** That of the last welcome, if there was one. */
  readonly incarnation: number | undefined;
  /** Where others reach it; `undefined`: where the coordinator sees it. */
  readonly host: string | undefined;
  readonly port: number;
  readonly topics: readonly string[];
}

/** What joining needs. */
export interface JoinParts {
  readonly core: MemberCore;
  /** The swarm that is meant; `undefined`: whichever the coordinator leads. */
  readonly swarmId: string | undefined;
  readonly secrets: Secrets;
}

/** Longest time for an answer to hello, in milliseconds: a coordinator may wait a lease to see whether another life of the id is dead. */
const WELCOME_TIMEOUT = 15_000;

/**
 * Says hello, and checks the answer.
 *
 * @param rejoin token of the last welcome, for a resumed connection
 * @throws SwarmError what the coordinator refused it for; `ERR_SWARM_AUTHENTICATION` when the coordinator proves nothing
 */
export async function join(
  parts: JoinParts,
  facts: AgentFacts,
  connection: QuicConnection,
  channel: ControlChannel,
  rejoin: Uint8Array | undefined,
): Promise<Welcome> {
  const { core, swarmId, secrets } = parts;
  const nonce = new Uint8Array(randomBytes(16));
  const hello: Hello = {
    t: 'hello',
    versions: [...SWARM_VERSIONS],
    swarm: swarmId,
    id: core.id,
    role: facts.role,
    capabilities: [...facts.capabilities],
    concurrency: facts.concurrency,
    host: facts.host,
    port: facts.port,
    topics: [...facts.topics],
    nonce,
    incarnation: facts.incarnation,
  };
  if (rejoin) {
    channel.send({ ...hello, rejoin });
    return answerOf(await readWithin(channel, core.clock, WELCOME_TIMEOUT, 'The coordinator'));
  }
  await connection.ready;
  const key = secrets.areSet ? await secrets.keyFor(facts.role) : undefined;
  const claims = { id: core.id, role: facts.role, nonce };
  const proof = key && proofOf(key, 'agent', connection, { ...claims, swarmId: swarmId ?? '' });
  channel.send({ ...hello, proof });
  const welcome = answerOf(await readWithin(channel, core.clock, WELCOME_TIMEOUT, 'The coordinator'));
  if (
    key &&
    !proofHolds(proofOf(key, 'coordinator', connection, { ...claims, swarmId: welcome.swarm }), welcome.proof)
  ) {
    throw new SwarmError(
      'ERR_SWARM_AUTHENTICATION',
      `${welcome.coordinator} does not prove to know the secret of the swarm: it is not the coordinator that it claims to be`,
      { remote: true },
    );
  }
  return welcome;
}

function answerOf(message: ControlMessage | undefined): Welcome {
  if (message?.t === 'welcome') return message;
  if (message?.t === 'refused') {
    throw new SwarmError(
      codeOf(message.code, 'ERR_SWARM_PROTOCOL'),
      `The coordinator refused to let this agent in: ${message.message}`,
      {
        remote: true,
      },
    );
  }
  throw new SwarmError(
    'ERR_SWARM_PROTOCOL',
    `The coordinator answered hello with ${message ? `a message of type ${message.t}` : 'nothing'}`,
    { remote: true },
  );
}
