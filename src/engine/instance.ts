/** Loads `engine.wasm` and keeps the views over its memory valid. */

import { readFile } from 'node:fs/promises';
import { EngineError } from './errors.js';
import { hostCrypto } from './host-crypto.js';
import { ABI_VERSION } from './layout.js';
import { fillFromSystem, type RandomFill } from './random.js';

/** The little of the WebAssembly API that is used; its types come with the DOM library, which is not for Node. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<object>;
  readonly Instance: new (module: object, imports: Record<string, object>) => { readonly exports: object };
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };

/** The exported functions; numbers only, so that no call allocates. */
export interface EngineExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  abi_version(): number;
  rx_arena(): number;
  rx_records(): number;
  tx_records(): number;
  event_records(): number;
  stream_buffer(): number;
  stats_record(): number;
  status_record(): number;
  scratch(len: number): number;
  refusal_len(): number;
  last_code(): number;
  create(len: number, wallMs: number): number;
  set_wall_clock(wallMs: number): number;
  listen(len: number): number;
  stop_listening(): number;
  add_profile(len: number): number;
  handle_datagrams(now: number, count: number): number;
  handle_timeout(now: number): number;
  poll_events(): number;
  poll_transmits(now: number): number;
  incoming_address(incoming: number): number;
  incoming_accept(now: number, incoming: number, mtuUpperBound: number): number;
  incoming_refuse(incoming: number): number;
  incoming_retry(incoming: number): number;
  incoming_ignore(incoming: number): number;
  connect(now: number, len: number): number;
  has_early_data(connection: number): number;
  close(now: number, connection: number, code: number, reasonLen: number): number;
  connection_info(connection: number): number;
  connection_alpn(connection: number): number;
  connection_facts(connection: number): number;
  connection_close_reason(connection: number): number;
  peer_certificates(connection: number): number;
  export_keying_material(connection: number, labelLen: number, contextLen: number, outLen: number): number;
  ping(connection: number): number;
  update_keys(connection: number): number;
  network_changed(now: number, connection: number): number;
  set_max_streams(connection: number, unidirectional: number, count: number): number;
  connection_stats(connection: number, path: number): number;
  take_key_log(): number;
  take_qlog(connection: number): number;
  stream_open(connection: number, unidirectional: number): number;
  stream_write(connection: number, id: number, len: number, fin: number): number;
  stream_finish(connection: number, id: number): number;
  stream_reset(connection: number, id: number, code: number): number;
  stream_stop_sending(connection: number, id: number, code: number): number;
  stream_set_priority(connection: number, id: number, priority: number): number;
  stream_read(connection: number, id: number, max: number): number;
  datagram_send(connection: number, len: number, dropOldest: number): number;
  datagram_receive(connection: number): number;
  datagram_max_size(connection: number): number;
  path_open(now: number, connection: number, socket: number, backup: number): number;
  path_close(now: number, connection: number, path: number, code: number): number;
  path_set_status(connection: number, path: number, backup: number): number;
  path_info(connection: number, path: number): number;
  path_list(connection: number): number;
}

let compiled: Promise<object> | undefined;

/** Compiles once per process. `SKEIN_ENGINE_WASM` names another file, for trying a fresh build. */
function compile(): Promise<object> {
  compiled ??= (async () => {
    const override = process.env['SKEIN_ENGINE_WASM'];
    const source = override ?? new URL('../../wasm/engine.wasm', import.meta.url);
    try {
      return await WebAssembly.compile(await readFile(source));
    } catch (cause) {
      compiled = undefined;
      throw new EngineError('ERR_ENGINE_LOAD', `Cannot load the QUIC engine from ${String(source)}: ${String(cause)}`, {
        cause,
      });
    }
  })();
  return compiled;
}

/** An instance with views over its memory; growth detaches views, so each access goes through the getters. */
export class EngineInstance {
  readonly exports: EngineExports;
  #u8: Uint8Array<ArrayBuffer>;
  #u32: Uint32Array<ArrayBuffer>;
  #f64: Float64Array<ArrayBuffer>;
  /** What the engine said before it trapped. */
  panicMessage: string | undefined;

  private constructor(module: object, random: RandomFill) {
    const view = (ptr: number, len: number): Uint8Array => new Uint8Array(this.exports.memory.buffer, ptr, len);
    const instance = new WebAssembly.Instance(module, {
      skein: {
        ...hostCrypto(view, random === fillFromSystem),
        random_fill: (ptr: number, len: number): void => random(view(ptr, len)),
        panic: (ptr: number, len: number): void => {
          this.panicMessage = new TextDecoder().decode(view(ptr, len));
        },
      },
    });
    this.exports = instance.exports as unknown as EngineExports;
    const { buffer } = this.exports.memory;
    this.#u8 = new Uint8Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#f64 = new Float64Array(buffer);
    const version = this.exports.abi_version();
    if (version !== ABI_VERSION) {
      throw new EngineError(
        'ERR_ENGINE_LOAD',
        `The QUIC engine speaks boundary version ${version}, this package ${ABI_VERSION}; reinstall skein, or rebuild with scripts/build-engine`,
      );
    }
  }

  /** @throws EngineError `ERR_ENGINE_LOAD` */
  static async load(random: RandomFill = fillFromSystem): Promise<EngineInstance> {
    return new EngineInstance(await compile(), random);
  }

  #refresh(): void {
    const { buffer } = this.exports.memory;
    this.#u8 = new Uint8Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#f64 = new Float64Array(buffer);
  }

  /** All memory as bytes; valid until the next call into the engine. */
  get u8(): Uint8Array<ArrayBuffer> {
    if (this.#u8.length === 0) this.#refresh();
    return this.#u8;
  }

  /** All memory as 32-bit words; valid until the next call into the engine. */
  get u32(): Uint32Array<ArrayBuffer> {
    if (this.#u32.length === 0) this.#refresh();
    return this.#u32;
  }

  /** All memory as 64-bit floats; valid until the next call into the engine. */
  get f64(): Float64Array<ArrayBuffer> {
    if (this.#f64.length === 0) this.#refresh();
    return this.#f64;
  }
}
