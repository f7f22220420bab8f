/**
 * One value for many members. Each copy names whom it is for; a member that gets it keeps what is for itself, sends one copy to each
 * neighbour that leads on, and answers with who got it. So a value crosses each connection once, however many wait behind it.
 */

import { SwarmError } from '../errors.js';
import { answerError, wordsOf } from '../link/errors.js';
import type { FrameStream } from '../link/frame-stream.js';
import type { Router } from '../link/router.js';
import type { Deadlines } from '../link/deadlines.js';
import { encodeFrames, protocolError, type Frame } from '../wire/frames.js';
import type { ExchangeHead } from '../wire/head.js';
import { readReply } from './exchange.js';
import { frameOf, valueOf } from './values.js';

/** Who got a broadcast or a publication, and who did not. */
export interface DeliveryReport {
  /** Ids of agents whose handler or subscription has been given the value. */
  readonly delivered: readonly string[];
  /** Why the others have not: an error code and words for each id. */
  readonly failed: Readonly<Record<string, { readonly code: string; readonly message: string }>>;
}

/** What a multicast needs of the member. */
export interface MulticastHost {
  readonly selfId: string;
  readonly deadlines: Deadlines;
  readonly router: Router;
  /** Gives the value to this member's own handler or subscriptions. @throws SwarmError when there is none, or it may not */
  deliver(head: ExchangeHead, value: unknown): void;
}

export class Multicast {
  readonly #host: MulticastHost;

  constructor(host: MulticastHost) {
    this.#host = host;
  }

  async send(
    type: 'broadcast' | 'publish',
    name: string,
    value: unknown,
    targets: readonly string[],
    timeout: number,
    signal?: AbortSignal,
  ): Promise<DeliveryReport> {
    const { selfId, router } = this.#host;
    const head = { type, name, from: selfId, to: selfId, hops: router.hopLimit + 1, path: [], timeout, targets };
    return this.#spread(head, frameOf(value), signal);
  }

  /** Answers a copy that came in. Never rejects. */
  async serve(head: ExchangeHead, stream: FrameStream): Promise<void> {
    try {
      const frame = await stream.read();
      if (!frame) throw protocolError(`a ${head.type} without a value`);
      const report = await this.#spread(head, frame);
      await stream.writeBytes(encodeFrames(frameOf([report.delivered, report.failed])));
      stream.finish();
    } catch (error) {
      answerError(stream, error);
    }
  }

  async #spread(head: ExchangeHead, frame: Frame, signal?: AbortSignal): Promise<DeliveryReport> {
    const { selfId, router } = this.#host;
    const delivered: string[] = [];
    const failed: Record<string, { code: string; message: string }> = {};
    const fail = (ids: readonly string[], error: unknown): void => {
      const words = wordsOf(error);
      for (const id of ids) failed[id] = words;
    };
    const path = [...head.path, selfId];
    const groups = new Map<string, string[]>();
    for (const target of head.targets) {
      try {
        if (target === selfId) {
          this.#host.deliver(head, valueOf(frame, head.from));
          delivered.push(selfId);
          continue;
        }
        if (head.hops === 0) throw new SwarmError('ERR_SWARM_NO_ROUTE', `${selfId} passes it on no further`);
        const { id } = router.requireLink(target, head.path);
        const group = groups.get(id);
        if (group) group.push(target);
        else groups.set(id, [target]);
      } catch (error) {
        fail([target], error);
      }
    }
    const copies = [...groups].map(async ([hop, targets]) => {
      try {
        const report = await this.#sendCopy({ ...head, to: hop, hops: head.hops - 1, path, targets }, frame, signal);
        delivered.push(...report.delivered);
        Object.assign(failed, report.failed);
      } catch (error) {
        fail(targets, error);
      }
    });
    await Promise.all(copies);
    return { delivered, failed };
  }

  async #sendCopy(head: ExchangeHead, frame: Frame, signal?: AbortSignal): Promise<DeliveryReport> {
    const stream = await this.#host.router.open(head, signal);
    const reply = readReply(head.to, stream, this.#host.deadlines, { timeout: head.timeout, signal });
    // Its failure shows in the reply as well.
    await Promise.race([
      stream.write(frame.kind, frame.payload),
      reply.then(
        () => undefined,
        () => undefined,
      ),
    ]);
    stream.finish();
    return reportFrom(await reply, head.targets);
  }
}

/** A report of another member: told about those only that it was asked for. */
function reportFrom(reply: unknown, targets: readonly string[]): DeliveryReport {
  if (!Array.isArray(reply)) throw protocolError('a report of a delivery that is no array');
  const [said, reasons] = reply as unknown[];
  if (!Array.isArray(said) || typeof reasons !== 'object' || reasons === null) {
    throw protocolError('a malformed report of a delivery');
  }
  const wanted = new Set(targets);
  const delivered = (said as unknown[]).filter((id): id is string => typeof id === 'string' && wanted.has(id));
  const failed: Record<string, { code: string; message: string }> = {};
  for (const id of delivered) wanted.delete(id);
  for (const id of wanted) {
    const why = (reasons as Record<string, unknown>)[id] as { code?: unknown; message?: unknown } | undefined;
    const code = typeof why?.code === 'string' ? why.code : 'ERR_SWARM_AGENT_LOST';
    const message = typeof why?.message === 'string' ? why.message : 'nobody said that it got there';
    failed[id] = { code, message };
  }
  return { delivered, failed };
}
