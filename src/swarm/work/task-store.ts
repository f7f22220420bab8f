/** Tasks in the store: record, payload and result under keys of their own. */

import type { SwarmStore, StoreWrite } from '../store/store.js';
import { needsPayload, type SchedulerAction, type TaskRecord } from '../tasks/index.js';
import { decodeValue, encodeValue } from '../wire/codec.js';

const RECORDS = 'task/';
const PAYLOADS = 'task-payload/';
const RESULTS = 'task-result/';

export class TaskStore {
  readonly #store: SwarmStore;

  constructor(store: SwarmStore) {
    this.#store = store;
  }

  async records(): Promise<TaskRecord[]> {
    const entries = await this.#store.list(RECORDS);
    // Written by this code only, so that its shape is known; the scheduler looks at its version.
    return entries.map(({ value }) => decodeValue(value) as TaskRecord);
  }

  async payload(id: string): Promise<Uint8Array | undefined> {
    return (await this.#store.get(PAYLOADS + id))?.value;
  }

  async result(id: string): Promise<Uint8Array | undefined> {
    return (await this.#store.get(RESULTS + id))?.value;
  }

  /** Makes the actions that are about keeping durable, in one batch. */
  async keep(actions: readonly SchedulerAction[]): Promise<void> {
    const batch: StoreWrite[] = [];
    for (const action of actions) {
      if (action.kind === 'save') {
        const { record, payload, result } = action;
        batch.push({ key: RECORDS + record.id, value: encodeValue(record) });
        if (payload && needsPayload(record.state)) batch.push({ key: PAYLOADS + record.id, value: payload });
        else if (!needsPayload(record.state)) batch.push({ key: PAYLOADS + record.id, value: undefined });
        if (result) batch.push({ key: RESULTS + record.id, value: result });
      } else if (action.kind === 'forgotten') {
        for (const prefix of [RECORDS, PAYLOADS, RESULTS]) batch.push({ key: prefix + action.id, value: undefined });
      }
    }
    if (batch.length > 0) await this.#store.write(batch);
  }
}
