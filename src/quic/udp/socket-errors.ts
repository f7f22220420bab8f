import { QuicError } from '../errors.js';
import type { SocketAddress } from '../types/udp.js';

import { formatSocketAddress } from './address.js';

/** What an error of a UDP socket means to QUIC. */
export type SocketErrorKind =
  /** Not worth a word. */
  | 'ignored'
  /** One datagram was not sent, or one remote cannot be reached: QUIC repeats it, or uses another path. */
  | 'transient'
  /** As `transient` while the address that the socket is bound to is still this machine's; without it, as `broken`. */
  | 'address'
  /** The socket will never work again. */
  | 'broken';

/**
 * What each error of `send` and `recv` means. Codes that are not in this table are taken as `transient`: a socket that
 * still works must not be thrown away for an error nobody has thought of, and the idle timeout ends what does not work.
 */
const ERROR_KINDS: Readonly<Record<string, SocketErrorKind>> = {
  // Larger than the interface takes. The search for the path MTU sends such datagrams on purpose (RFC 8899).
  EMSGSIZE: 'ignored',
  // Datagrams still queued when the socket was closed.
  ECANCELED: 'ignored',

  // ICMP says that nobody listens there. Only connected sockets learn it (Windows: ECONNRESET).
  ECONNREFUSED: 'transient',
  ECONNRESET: 'transient',
  // A firewall, or a route that prohibits; a broadcast address.
  EPERM: 'transient',
  EACCES: 'transient',
  // The kernel has no memory to spare at the moment.
  ENOBUFS: 'transient',
  ENOMEM: 'transient',
  EAGAIN: 'transient',
  // An address of the family that the socket does not speak.
  EAFNOSUPPORT: 'transient',

  // No route; which of these a kernel says after the socket's own address has gone differs (Linux: ENETUNREACH, or
  // EINVAL before 5.x; macOS and Windows: EADDRNOTAVAIL, EINVAL), and Linux says EINVAL for a blackhole route too.
  ENETUNREACH: 'address',
  EHOSTUNREACH: 'address',
  EHOSTDOWN: 'address',
  ENETDOWN: 'address',
  ENODEV: 'address',
  EADDRNOTAVAIL: 'address',
  EINVAL: 'address',

  // The descriptor was closed behind our back.
  EBADF: 'broken',
  ENOTSOCK: 'broken',
  ERR_SOCKET_DGRAM_NOT_RUNNING: 'broken',
};

/** What an error of a bound socket means, by its code. */
export function socketErrorKind(code: string | undefined): SocketErrorKind {
  return (code === undefined ? undefined : ERROR_KINDS[code]) ?? 'transient';
}

/** The error of a failed bind, in words and with a stable code. */
export function bindError(cause: NodeJS.ErrnoException, address: string, port: number): QuicError {
  const where = `UDP socket to ${formatSocketAddress({ address, port })}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new QuicError(
        'ERR_QUIC_ADDRESS_IN_USE',
        `Cannot bind a ${where}: another socket has the port. Stop the program that holds it (ss -ulpn shows which), ` +
          'or choose another port; 0 takes any free one.',
        { cause },
      );
    case 'EADDRNOTAVAIL':
      return new QuicError(
        'ERR_QUIC_ADDRESS_NOT_AVAILABLE',
        `Cannot bind a ${where}: the address is none of this machine. Use one of its own ` +
          "(os.networkInterfaces() lists them), '0.0.0.0' for all IPv4 addresses, or '::' for all.",
        { cause },
      );
    case 'EACCES':
    case 'EPERM':
      return new QuicError(
        'ERR_QUIC_PERMISSION',
        port > 0 && port < 1024
          ? `Cannot bind a ${where}: ports below 1024 are for privileged processes. Choose a port from 1024 on, or ` +
              'allow this one (Linux: the capability CAP_NET_BIND_SERVICE, or sysctl net.ipv4.ip_unprivileged_port_start).'
          : `Cannot bind a ${where}: the operating system does not allow it. Choose another port, or look for a ` +
              'sandbox, firewall or reserved range of ports that forbids it.',
        { cause },
      );
    case 'EAFNOSUPPORT':
      return new QuicError(
        'ERR_QUIC_ADDRESS_NOT_AVAILABLE',
        `Cannot bind a ${where}: this machine does not speak that IP version. Use an address of the other one.`,
        { cause },
      );
    case 'EMFILE':
    case 'ENFILE':
      return new QuicError(
        'ERR_QUIC_BIND',
        `Cannot bind a ${where}: too many open files. Close some, or raise the limit (ulimit -n).`,
        { cause },
      );
    default:
      return new QuicError('ERR_QUIC_BIND', `Cannot bind a ${where}: ${cause.message}.`, { cause });
  }
}

/** The error of a socket that was bound but cannot be connected to its remote. */
export function connectError(cause: NodeJS.ErrnoException, local: string, remote: SocketAddress): QuicError {
  return new QuicError(
    'ERR_QUIC_UNREACHABLE',
    `Cannot reach ${formatSocketAddress(remote)} over UDP from ${local}: ${cause.code ?? cause.message}. Look at the ` +
      'address, the route to it, and whether both are of one IP version.',
    { cause },
  );
}
