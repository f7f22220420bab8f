/** Failures of the engine itself, as opposed to failures of a connection. */

const BRAND = Symbol.for('skein.EngineError');

/** Stable codes of {@link EngineError}. */
export type EngineErrorCode =
  /** The engine panicked or trapped. Its endpoint and all connections of it have ended; a new endpoint gets a new one. */
  | 'ERR_ENGINE_CRASHED'
  /** `engine.wasm` is missing, unreadable, or made for another version of this package. */
  | 'ERR_ENGINE_LOAD';

/** Thrown when the WebAssembly engine cannot be loaded or has crashed. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;
  override readonly name = 'EngineError';
  readonly [BRAND] = true;

  constructor(code: EngineErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** Recognises instances of any copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}
