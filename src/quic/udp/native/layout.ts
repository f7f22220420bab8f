/**
 * Structures and constants of Linux on 64-bit little-endian machines: x64 and arm64 have the same. glibc and musl agree
 * on every byte that is written here, since what musl declares as padding is the zero upper half of what glibc declares.
 */

/** `struct msghdr`: offsets in bytes. */
export const MSGHDR = { name: 0, nameLen: 8, iov: 16, iovLen: 24, control: 32, controlLen: 40, flags: 48, size: 56 };
/** `struct mmsghdr`: a msghdr and how many bytes came. */
export const MMSGHDR = { len: 56, size: 64 };
/** `struct iovec`. */
export const IOVEC = { base: 0, len: 8, size: 16 };
/** `struct cmsghdr`, data behind it; the next one begins at a multiple of eight. */
export const CMSG = { len: 0, level: 8, type: 12, data: 16, align: 8 };
/** `struct sockaddr_in` and `struct sockaddr_in6`. */
export const SOCKADDR = { family: 0, port: 2, ipv4: 4, ipv6: 8, scope: 24, ipv4Size: 16, ipv6Size: 28 };

export const AF_INET = 2;
export const AF_INET6 = 10;
/** SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
export const SOCKET_TYPE = 2 | 0o4000 | 0o2000000;

export const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_REUSEPORT = 15;

export const SOL_IP = 0;
export const IP_TOS = 1;
export const IP_MTU_DISCOVER = 10;
export const IP_RECVTOS = 13;

export const SOL_IPV6 = 41;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVTCLASS = 66;
export const IPV6_TCLASS = 67;

/** For both: never fragment, and do not believe what ICMP says of the path's MTU (RFC 8899 4.6.2). */
export const PMTUDISC_PROBE = 3;

export const SOL_UDP = 17;
/** The kernel cuts what is sent into datagrams of one size (GSO). */
export const UDP_SEGMENT = 103;
/** The kernel hands over several datagrams of one size at once (GRO). */
export const UDP_GRO = 104;

export const MSG_DONTWAIT = 0x40;

/** Segments that one call may send; older kernels take 64. */
export const MAX_SEGMENTS = 64;

/** Events of libuv. */
export const UV_READABLE = 1;
export const UV_WRITABLE = 2;
/** Number of the handle type `uv_poll_t`; that it is so is checked by its name. */
export const UV_POLL = 8;
