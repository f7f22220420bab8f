import { STATIC_TABLE } from './static-table.js';

/** In place of an index: there is no such entry. */
export const NO_ENTRY = -1;

/** What the encoder knows about one field name. */
export interface NameRecord {
  readonly name: string;
  /** The first static entry of this name, or {@link NO_ENTRY}. */
  readonly staticIndex: number;
  /** Static entries of this name by their value. */
  readonly staticValues: ReadonlyMap<string, number> | undefined;
  /** Dynamic entries of this name by their value: the absolute index of the newest. Only where there are many. */
  values: Map<string, number> | undefined;
  /** The newest dynamic entry of this name, or {@link NO_ENTRY}. */
  latest: number;
  /** Entries in the dynamic table. */
  entries: number;
  /** Entries that were evicted without having been used. */
  wasted: number;
}

interface StaticName {
  readonly index: number;
  readonly values: Map<string, number>;
}

const staticNames = new Map<string, StaticName>();
for (const [index, { name, value }] of STATIC_TABLE.entries()) {
  const known = staticNames.get(name) ?? { index, values: new Map<string, number>() };
  if (!known.values.has(value)) known.values.set(value, index);
  staticNames.set(name, known);
}

/** Names that are remembered, unless the dynamic table holds more than half as many: then twice what it holds. */
const MAX_NAMES = 512;

/** The names that an encoder has met, bounded. */
export class NameTable {
  readonly #records = new Map<string, NameRecord>();
  #limit = MAX_NAMES;

  get(name: string): NameRecord {
    return this.#records.get(name) ?? this.#add(name);
  }

  #add(name: string): NameRecord {
    if (this.#records.size >= this.#limit) this.#forgetUnused();
    const fixed = staticNames.get(name);
    const record: NameRecord = {
      name,
      staticIndex: fixed?.index ?? NO_ENTRY,
      staticValues: fixed?.values,
      values: undefined,
      latest: NO_ENTRY,
      entries: 0,
      wasted: 0,
    };
    this.#records.set(name, record);
    return record;
  }

  #forgetUnused(): void {
    for (const [name, record] of this.#records) if (record.entries === 0) this.#records.delete(name);
    // Where a large table holds that many names, the next look through all of them comes only after as many new ones.
    this.#limit = Math.max(MAX_NAMES, this.#records.size * 2);
  }
}
