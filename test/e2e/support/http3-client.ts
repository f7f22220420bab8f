import { Http3Connection, sendRequest, type WholeResponse } from '../../../src/http3.js';
import { QuicEndpoint, type TrustOptions, type PinOptions } from '../../../src/index.js';

/** A client with one connection to a server on 127.0.0.1. */
export class Http3TestClient {
  readonly #endpoint: QuicEndpoint;
  readonly #http3: Http3Connection;
  readonly #authority: string;

  private constructor(endpoint: QuicEndpoint, http3: Http3Connection, authority: string) {
    this.#endpoint = endpoint;
    this.#http3 = http3;
    this.#authority = authority;
  }

  static async connect(
    port: number,
    options: TrustOptions & PinOptions & { verifyPeer?: boolean },
  ): Promise<Http3TestClient> {
    const endpoint = await QuicEndpoint.create();
    try {
      const connection = await endpoint.connect('127.0.0.1', port, { ...options, alpn: ['h3'] });
      const http3 = new Http3Connection(connection);
      return new Http3TestClient(endpoint, http3, `127.0.0.1:${port}`);
    } catch (error) {
      await endpoint.close({ timeout: 0 });
      throw error;
    }
  }

  ask(path: string, headers: Record<string, string> = {}, method = 'GET', body?: string): Promise<WholeResponse> {
    return sendRequest(this.#http3, this.#authority, method, path, headers, body);
  }

  /** Bytes of UDP datagrams, so far. */
  get received(): number {
    return this.#endpoint.stats().bytesReceived;
  }

  async close(): Promise<void> {
    await this.#endpoint.close({ timeout: 1000 });
  }
}
