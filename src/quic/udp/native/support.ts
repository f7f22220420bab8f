/** Whether the native backend works here: tried out, once for each process. */

import type { DatagramSink, UdpSocket } from '../../types/udp.js';
import { NativeNetwork } from './native-network.js';
import { openSystem } from './system.js';
import type { NativeSystem } from './system.js';

const SEGMENT = 1200;
/** Three datagrams, the last one shorter. */
const TEST_BYTES = 2 * SEGMENT + 100;
/** ECT(0), as QUIC marks what it sends. */
const TEST_ECN = 2;
/** Loopback takes microseconds; the rest is for a machine that is very busy. */
const LIMIT_MS = 2000;
const BUFFER_BYTES = 1 << 16;

let support: Promise<NativeSystem | string> | undefined;

/** The system, tried out; or a sentence that says why the backend cannot be used. */
export function nativeSupport(): Promise<NativeSystem | string> {
  support ??= tryOut();
  return support;
}

async function tryOut(): Promise<NativeSystem | string> {
  const system = openSystem();
  if (typeof system === 'string') return system;
  try {
    const failure = await sendToItself(new NativeNetwork(system));
    return failure ?? system;
  } catch (error) {
    return `its self-test failed: ${(error as Error).message}`;
  }
}

/** Sends a few datagrams with one call from one socket to another; what does not work as it should, as a sentence. */
async function sendToItself(network: NativeNetwork): Promise<string | undefined> {
  const bytes = Uint8Array.from({ length: TEST_BYTES }, (_, index) => (index * 31) % 251);
  const arrived: number[] = [];
  let ecnSeen = true;
  let fault: string | undefined;
  const sockets: UdpSocket[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => {
        fault = `of ${TEST_BYTES} bytes ${arrived.length} came over the loopback interface`;
        resolve();
      }, LIMIT_MS);
      const sink: DatagramSink = {
        receive(_socket, payload, _address, _port, ecn) {
          arrived.push(...payload);
          ecnSeen &&= ecn === TEST_ECN;
          if (arrived.length < TEST_BYTES) return;
          clearTimeout(limit);
          resolve();
        },
        writable() {},
        error(_socket, error) {
          clearTimeout(limit);
          reject(error);
        },
      };
      const bind = async (id: number): Promise<UdpSocket> => {
        const socket = await network.bind({
          id,
          address: '127.0.0.1',
          port: 0,
          ipv6Only: false,
          receiveBufferBytes: BUFFER_BYTES,
          sendBufferBytes: BUFFER_BYTES,
          sink,
        });
        sockets.push(socket);
        return socket;
      };
      Promise.all([bind(1), bind(2)]).then(([from, to]) => from.send(bytes, SEGMENT, to.local, TEST_ECN), reject);
    });
  } finally {
    await Promise.all(sockets.map((socket) => socket.close()));
  }
  if (fault !== undefined) return `its self-test failed: ${fault}`;
  if (Buffer.compare(Uint8Array.from(arrived), bytes) !== 0)
    return 'its self-test failed: other bytes came than were sent';
  return ecnSeen ? undefined : 'its self-test failed: ECN bits are lost on the way';
}
