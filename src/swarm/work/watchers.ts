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
  /** The task is over. `result` is there when it is done. The promise resolves when the watcher has got it, or will not. */
  end(news: TaskNews, result: Uint8Array | undefined): Promise<void> | undefined;
}

/** Watchers by the ids of their tasks. */
export class WatchList {
  readonly #watchers = new Map<string, Set<TaskWatcher>>();

  add(id: string, watcher: TaskWatcher): void {
    const watchers = this.#watchers.get(id);
    if (watchers) watchers.add(watcher);
    else this.#watchers.set(id, new Set([watcher]));
  }

  /** Whether it was there. */
  remove(id: string, watcher: TaskWatcher): boolean {
    const watchers = this.#watchers.get(id);
    if (!watchers?.delete(watcher)) return false;
    if (watchers.size === 0) this.#watchers.delete(id);
    return true;
  }

  /** Tells all watchers of a task; the promise is the backpressure of the slowest. */
  tell(id: string, news: TaskNews): Promise<void> | undefined {
    let full: Promise<void> | undefined;
    for (const watcher of this.#watchers.get(id) ?? []) {
      const waits = watcher.tell(news);
      if (waits) full = full ? full.then(() => waits) : waits;
    }
    return full;
  }

  /** The watchers of a task, who are told nothing more. */
  take(id: string): Iterable<TaskWatcher> {
    const watchers = this.#watchers.get(id) ?? [];
    this.#watchers.delete(id);
    return watchers;
  }

  /** Endings that are on their way. */
  readonly #deliveries = new Set<Promise<void>>();

  /** Notes an ending that is on its way. */
  delivering(delivery: Promise<void> | undefined): void {
    if (!delivery) return;
    this.#deliveries.add(delivery);
    void delivery.then(() => this.#deliveries.delete(delivery));
  }

  /** Resolves when all endings that are on their way have arrived. */
  async delivered(): Promise<void> {
    await Promise.all(this.#deliveries);
  }

  /** The watchers of all tasks. */
  takeAll(): TaskWatcher[] {
    const all = [...this.#watchers.values()].flatMap((watchers) => [...watchers]);
    this.#watchers.clear();
    return all;
  }
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

  end(news: TaskNews, result: Uint8Array | undefined): Promise<void> | undefined {
    try {
      this.#stream.writeBytes(newsFrame(news))?.catch(() => undefined);
      if (result) this.#stream.writeBytes(encodeFrames(unpack(result)))?.catch(() => undefined);
      this.#stream.finish();
      this.#stream.stream.stopSending(STREAM_CODE.done);
      return this.#stream.stream.acknowledged.catch(() => undefined);
    } catch {
      return undefined; // Gone.
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

  end(news: TaskNews, result: Uint8Array | undefined): undefined {
    if (news[0] === 'ended') this.#handle.fail(taskError(news[1], news[2]));
    else this.#handle.succeed(result && valueOf(unpack(result), this.#selfId));
  }
}
