/** Which UDP backend an endpoint uses. */

import { QuicError } from '../errors.js';
import { DgramNetwork } from './dgram-network.js';
import type { InterfaceTable } from './interfaces.js';
import type { SystemNetwork } from './system-network.js';

/** See `QuicEndpointOptions.udp`. */
export type UdpBackend = 'dgram' | 'native' | 'auto';

const BACKENDS: readonly unknown[] = ['dgram', 'native', 'auto'] satisfies UdpBackend[];

/**
 * @param backend default: what the environment variable SKEIN_UDP says, and `'dgram'` when it says nothing
 * @throws QuicError `ERR_QUIC_INVALID_OPTION`; `ERR_QUIC_UDP_UNAVAILABLE` when `'native'` cannot be used here
 */
export async function selectNetwork(
  backend: UdpBackend = (process.env['SKEIN_UDP'] as UdpBackend | undefined) ?? 'dgram',
  interfaces?: InterfaceTable,
): Promise<{ readonly network: SystemNetwork; readonly name: 'dgram' | 'native' }> {
  if (!BACKENDS.includes(backend)) {
    throw new QuicError(
      'ERR_QUIC_INVALID_OPTION',
      `udp is ${JSON.stringify(backend)}; it must be 'dgram', 'native' or 'auto'`,
    );
  }
  if (backend === 'dgram') return { network: new DgramNetwork(interfaces), name: 'dgram' };
  // Loaded when asked for: asking Node for its module prints a warning.
  const { nativeSupport } = await import('./native/support.js');
  const support = await nativeSupport();
  if (typeof support !== 'string') {
    const { NativeNetwork } = await import('./native/native-network.js');
    return { network: new NativeNetwork(support, interfaces), name: 'native' };
  }
  if (backend === 'auto') return { network: new DgramNetwork(interfaces), name: 'dgram' };
  throw new QuicError(
    'ERR_QUIC_UDP_UNAVAILABLE',
    `The native UDP backend (udp: 'native') cannot be used here: ${support}. Use Node.js 26.6 or later on Linux, or udp: 'auto', ` +
      'which takes node:dgram where the native one cannot be used.',
  );
}
