/**
 * Submitting tasks from an agent. A task has its id from here, so that it can be submitted again after a connection was lost, without being
 * done twice: whatever becomes of coordinators and connections, the handle learns how the task ended.
 */

import { SwarmError } from '../errors.js';
import type { FrameStream } from '../link/frame-stream.js';
import type { MemberCore } from '../member-core.js';
import { valueOf } from '../messaging/values.js';
import { STREAM_CODE } from '../wire/codes.js';
import { protocolError, type Frame } from '../wire/frames.js';
import { encodeHead, type ExchangeType } from '../wire/head.js';
import { encodeValue } from '../wire/codec.js';
import { FRAME } from '../wire/codes.js';
import { TaskHandle, taskError } from './handle.js';
import { readTaskNews, readValueFrame, type TaskNews, type TaskRequest } from './messages.js';
import { requestOf, type SubmitOptions } from './options.js';

/** What the client needs of its agent. */
export interface TaskClientHost {
  readonly core: MemberCore;
  /** Resolves when there is a connection to the coordinator. Rejects when there will be none. */
  connected(): Promise<void>;
  cancelTask(id: string, reason: string): Promise<boolean>;
}

/** A task under way. */
interface Pending {
  readonly handle: TaskHandle;
  readonly request: TaskRequest;
  /** Until it is accepted. */
  payload: Frame | undefined;
  /** Whether the submitter has aborted it, and the coordinator may not know. */
  aborted: boolean;
  readonly accepted: () => void;
  readonly refused: (error: unknown) => void;
}

export class TaskClient {
  readonly #host: TaskClientHost;
  readonly #pending = new Set<Pending>();

  constructor(host: TaskClientHost) {
    this.#host = host;
  }

  /** Resolves when the coordinator has accepted the task, from when it is not lost any more. @throws SwarmError */
  async submit(options: SubmitOptions): Promise<TaskHandle> {
    this.#host.core.assertOpen();
    const { signal, capability } = options;
    signal?.throwIfAborted();
    const { request, payload } = requestOf(options);
    const handle: TaskHandle = new TaskHandle(request.id, capability, (reason) =>
      this.#host.cancelTask(handle.id, reason),
    );
    let pending: Pending | undefined;
    const accepted = new Promise<void>((resolve, reject) => {
      pending = { handle, request, payload, aborted: false, accepted: resolve, refused: reject };
      this.#pending.add(pending);
      void this.#follow(pending);
    });
    if (!signal) {
      await accepted;
      return handle;
    }
    const onAbort = (): void => {
      if (pending) pending.aborted = true;
      pending?.refused(signal.reason);
      handle.fail(
        new SwarmError('ERR_SWARM_TASK_CANCELLED', `Task ${handle.id} was cancelled here`, { cause: signal.reason }),
      );
    };
    signal.addEventListener('abort', onAbort);
    handle.once('settled', () => signal.removeEventListener('abort', onAbort));
    await accepted;
    return handle;
  }

  /** Holds a conversation about the task with the coordinator, as often as it takes. Never rejects. */
  async #follow(pending: Pending): Promise<void> {
    const { handle, request } = pending;
    try {
      for (;;) {
        await this.#host.connected();
        try {
          if (handle.isSettled || (await this.#converse(pending))) {
            if (pending.aborted) await this.#host.cancelTask(handle.id, 'its signal was aborted');
            break;
          }
        } catch (error) {
          if (!isPassing(error)) throw error;
          // A connection that is lost is told to be so in a later turn: until then trying again would only keep that turn from coming.
          await new Promise<void>((resolve) => this.#host.core.clock.soon(resolve));
        }
      }
    } catch (error) {
      const told = SwarmError.isSwarmError(error) ? error : taskError('ERR_SWARM_TASK_FAILED', String(error));
      pending.refused(told);
      handle.fail(told);
    } finally {
      this.#pending.delete(pending);
      pending.refused(
        new SwarmError('ERR_SWARM_TASK_CANCELLED', `Task ${request.id} was cancelled before it was accepted`),
      );
    }
  }

  /** Whether the task is over, or this side has given it up. */
  async #converse(pending: Pending): Promise<boolean> {
    const { handle } = pending;
    const coordinator = this.#host.core.coordinatorId ?? '';
    const link = this.#host.core.links.get(coordinator);
    if (!link) throw new SwarmError('ERR_SWARM_AGENT_LOST', 'The coordinator is not connected');
    const stream = await link.open();
    const giveUp = (): void => stream.cancel(STREAM_CODE.cancelled);
    handle.once('settled', giveUp);
    try {
      if (handle.isSettled) giveUp();
      else await this.#begin(pending, stream, coordinator);
      return handle.isSettled || (await this.#listen(pending, stream, coordinator));
    } catch (error) {
      if (handle.isSettled) return true;
      throw error;
    } finally {
      handle.off('settled', giveUp);
    }
  }

  /** Submits the task; one that was accepted before is asked after. */
  async #begin({ handle, request, payload }: Pending, stream: FrameStream, coordinator: string): Promise<void> {
    const { id } = this.#host.core;
    const [type, name]: [ExchangeType, string] = payload ? ['submit', handle.capability] : ['attach', handle.id];
    await stream.writeBytes(
      encodeHead({ type, name, from: id, to: coordinator, hops: 0, path: [id], timeout: 0, targets: [] }),
    );
    if (payload) {
      try {
        await stream.write(FRAME.value, encodeValue(request));
        await stream.write(payload.kind, payload.payload);
      } catch (error) {
        if (isPassing(error)) throw error;
        return; // The coordinator reads no more: its answer says why.
      }
    }
    stream.finish();
  }

  async #listen(pending: Pending, stream: FrameStream, coordinator: string): Promise<boolean> {
    const { handle } = pending;
    for (;;) {
      const frame = await stream.read();
      if (!frame) throw protocolError('the end of a conversation about a task that is not over');
      const news = readTaskNews(frame, coordinator);
      if (news[0] === 'done') {
        pending.accepted();
        handle.succeed(valueOf(await readValueFrame(stream, coordinator), coordinator));
        return true;
      }
      if (news[0] === 'ended') {
        pending.accepted();
        handle.fail(taskError(news[1], news[2]));
        return true;
      }
      await this.#tell(pending, news);
    }
  }

  #tell(pending: Pending, news: TaskNews): Promise<void> | undefined {
    const { handle } = pending;
    switch (news[0]) {
      case 'accepted':
        // Where its idempotency key was known, the task is the one of then.
        handle.id = news[1];
        pending.payload = undefined;
        pending.accepted();
        // Whoever submitted it gets the handle in the microtasks that follow, and listens before there is more to tell.
        return new Promise((resolve) => void setImmediate(resolve));
      case 'assigned':
        return handle.tell({ type: 'assigned', agent: news[1], attempt: news[2] });
      case 'requeued':
        return handle.tell({ type: 'requeued', attempt: news[1], reason: news[2], delay: news[3] });
      case 'progress':
        return handle.tell({ type: 'progress', value: news[1] });
      case 'partial':
        return handle.tell({ type: 'partial', value: news[1] });
      case 'done':
      case 'ended':
        return undefined;
    }
  }

  /** The membership is over: nobody will tell how these end. */
  abandon(error: SwarmError): void {
    for (const { handle, refused } of this.#pending) {
      refused(error);
      handle.fail(error);
    }
  }
}

/** Whether the conversation was lost with its connection, so that another one can be held. */
function isPassing(error: unknown): boolean {
  return (
    SwarmError.isSwarmError(error) &&
    (error.code === 'ERR_SWARM_AGENT_LOST' || error.code === 'ERR_SWARM_NOT_CONNECTED')
  );
}
