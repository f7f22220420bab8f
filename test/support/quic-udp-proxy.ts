/** A UDP proxy of the loopback interface: what a NAT does, and what an attacker on the path can. */

import type { RemoteInfo, Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { after } from 'node:test';

/** What becomes of one datagram: itself, others in its place, or none. */
export type Meddler = (datagram: Buffer, towardsServer: boolean) => Buffer | readonly Buffer[];

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  // Loopback takes datagrams of 64 KiB, of which the usual buffer holds one or two: a busy machine would lose most of a burst.
  socket.setRecvBufferSize(4 << 20);
  socket.setSendBufferSize(4 << 20);
  return socket;
}

export class UdpProxy {
  readonly port: number;
  readonly #front: Socket;
  readonly #serverPort: number;
  #back: Socket;
  #client: RemoteInfo | undefined;
  meddler: Meddler | undefined;
  /** Everything that went towards the server, when somebody wants it. */
  recording: Buffer[] | undefined;

  private constructor(front: Socket, back: Socket, serverPort: number) {
    this.#front = front;
    this.#serverPort = serverPort;
    this.port = front.address().port;
    this.#back = back;
    front.on('message', (datagram, from) => {
      this.#client = from;
      this.recording?.push(Buffer.from(datagram));
      for (const one of this.#meddled(datagram, true)) this.#back.send(one, serverPort, '127.0.0.1');
    });
    this.#listenBehind(back);
  }

  static async start(serverPort: number): Promise<UdpProxy> {
    const proxy = new UdpProxy(await bound(), await bound(), serverPort);
    after(() => proxy.close());
    return proxy;
  }

  #listenBehind(socket: Socket): void {
    socket.on('message', (datagram) => {
      for (const one of this.#meddled(datagram, false)) this.deliver(one);
    });
  }

  #meddled(datagram: Buffer, towardsServer: boolean): readonly Buffer[] {
    if (!this.meddler) return [datagram];
    const result = this.meddler(datagram, towardsServer);
    return Buffer.isBuffer(result) ? [result] : result;
  }

  /** Port that the server sees. */
  get outerPort(): number {
    return this.#back.address().port;
  }

  /** As a NAT that has forgotten: from now on the server sees another port. The former one still delivers. */
  async rebind(): Promise<number> {
    const before = this.#back;
    this.#back = await bound();
    this.#listenBehind(this.#back);
    after(() => void before.close());
    return this.outerPort;
  }

  /** Sends something to the server as if it came from the client. */
  inject(datagram: Buffer): void {
    this.#back.send(datagram, this.#serverPort, '127.0.0.1');
  }

  /** Sends something to the client as if it came from the server. */
  deliver(datagram: Buffer): void {
    if (this.#client) this.#front.send(datagram, this.#client.port, this.#client.address);
  }

  close(): void {
    this.#front.close();
    this.#back.close();
  }
}
