/** Who wants to know what becomes of a task: submitters on streams, and handles in the coordinator's own process. */

import type { FrameStream } from '../link/frame-stream.js';
import { valueOf } from '../messaging/values.js';
import { STREAM_CODE } from '../wire/codes.js';
import { encodeFrames } from '../wire/frames.js';
import type { TaskHandle } from './handle.js';
import { taskError } from './handle.js';
import { newsFrame, unpack, type TaskNews } from './messages.js';

/** Hears of one task. The promise of `tell` is its backpressure. */
export interface TaskWatcher {
  tell(news: TaskNews): Promise<void> | undefined;
  /** The task is over. `result` is there when it is done. */
  end(news: TaskNews, result: Uint8Array | undefined): void;
}

/** A submitter behind a stream. */
export class StreamWatcher implements TaskWatcher {
  readonly #stream: FrameStream;

  /** @param gone called when the submitter does not listen any more */
  constructor(stream: FrameStream, gone: () => void) {
    this.#stream = stream;
    stream.stream.acknowledged.catch(gone);
  }

  tell(news: TaskNews): Promise<void> | undefined {
    try {
      return this.#stream.writeBytes(newsFrame(news))?.catch(() => undefined);
    } catch {
      return undefined; // Gone; `acknowledged` tells.
    }
  }

  end(news: TaskNews, result: Uint8Array | undefined): void {
    try {
      this.#stream.writeBytes(newsFrame(news))?.catch(() => undefined);
      if (result) this.#stream.writeBytes(encodeFrames(unpack(result)))?.catch(() => undefined);
      this.#stream.finish();
      this.#stream.stream.stopSending(STREAM_CODE.done);
    } catch {
      // Gone.
    }
  }
}

/** A handle in this process. */
export class HandleWatcher implements TaskWatcher {
  readonly #handle: TaskHandle;
  readonly #selfId: string;

  constructor(handle: TaskHandle, selfId: string) {
    this.#handle = handle;
    this.#selfId = selfId;
  }

  tell(news: TaskNews): Promise<void> | undefined {
    switch (news[0]) {
      case 'assigned':
        return this.#handle.tell({ type: 'assigned', agent: news[1], attempt: news[2] });
      case 'requeued':
        return this.#handle.tell({ type: 'requeued', attempt: news[1], reason: news[2], delay: news[3] });
      case 'progress':
        return this.#handle.tell({ type: 'progress', value: news[1] });
      case 'partial':
        return this.#handle.tell({ type: 'partial', value: news[1] });
      default:
        return undefined;
    }
  }

  end(news: TaskNews, result: Uint8Array | undefined): void {
    if (news[0] === 'ended') this.#handle.fail(taskError(news[1], news[2]));
    else this.#handle.succeed(result && valueOf(unpack(result), this.#selfId));
  }
}
