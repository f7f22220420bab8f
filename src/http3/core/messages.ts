import { failMessage } from './errors.js';
import type { RequestHead } from './events.js';
import {
  type FieldFacts,
  type Lines,
  checkFields,
  isAuthority,
  isPath,
  isPseudo,
  isScheme,
  isToken,
  show,
} from './fields.js';

/** A header section that was found sound. */
export interface CheckedRequest extends FieldFacts {
  readonly head: RequestHead;
  /** Index of the first field line that is no pseudo-header field. */
  readonly first: number;
}

/** A header section that was found sound. */
export interface CheckedResponse extends FieldFacts {
  readonly status: number;
  /** Index of the first field line that is no pseudo-header field. */
  readonly first: number;
}

/** Values of pseudo-header fields of the section that is being checked; one that is missing differs from one that is empty. */
const pseudo: Record<'method' | 'scheme' | 'authority' | 'path' | 'protocol' | 'status', string | undefined> = {
  method: undefined,
  scheme: undefined,
  authority: undefined,
  path: undefined,
  protocol: undefined,
  status: undefined,
};

type PseudoFields = typeof pseudo;

const requestNames: ReadonlyMap<string, keyof PseudoFields> = new Map([
  [':method', 'method'],
  [':scheme', 'scheme'],
  [':authority', 'authority'],
  [':path', 'path'],
  [':protocol', 'protocol'],
]);
const responseNames: ReadonlyMap<string, keyof PseudoFields> = new Map([[':status', 'status']]);

/** Collects pseudo-header fields, which come first, into {@link pseudo}; returns how many there are. */
function collect(fields: Lines, names: ReadonlyMap<string, keyof PseudoFields>): number {
  pseudo.method = undefined;
  pseudo.scheme = undefined;
  pseudo.authority = undefined;
  pseudo.path = undefined;
  pseudo.protocol = undefined;
  pseudo.status = undefined;
  const { length } = fields;
  let index = 0;
  for (; index < length; index++) {
    const name = fields.name(index);
    if (!isPseudo(name)) break;
    const key = names.get(name);
    // @rfc 9114#4.3-2 @rfc 9114#4.3-4 undefined ones, and those of the other kind of message
    if (key === undefined) failMessage(`The pseudo-header field ${show(name)} is not defined for this message`);
    // @rfc 9114#4.3.1-5 exactly one value each
    if (pseudo[key] !== undefined) failMessage(`The pseudo-header field ${name} occurs twice`);
    pseudo[key] = fields.value(index);
  }
  return index;
}

/**
 * Checks the header section of a request.
 *
 * @param extendedConnect whether the server has announced extended CONNECT; without, `:protocol` is not defined
 * @throws Http3Error (scope `'stream'`) when it is malformed
 */
export function checkRequest(fields: Lines, extendedConnect: boolean): CheckedRequest {
  const first = collect(fields, requestNames);
  const { method, scheme, path, protocol } = pseudo;
  const { contentLength, host, cookies, priority } = checkFields(fields, first, 'request');
  // @rfc 9114#4.3.1-5 a request without mandatory pseudo-header fields, or with invalid ones, is malformed
  if (method === undefined) return failMessage('The request has no :method');
  if (!isToken(method)) failMessage(`:method is ${show(method)}`);
  if (protocol !== undefined) {
    // @rfc 9220#3-3 :protocol needs the server's setting, and is for CONNECT
    if (!extendedConnect) failMessage('The request has :protocol, and extended CONNECT was not announced');
    if (method !== 'CONNECT') failMessage(`The request has :protocol and the method ${method}`);
    if (!isToken(protocol)) failMessage(`:protocol is ${show(protocol)}`);
  } else if (method === 'CONNECT') {
    return { head: connectHead(pseudo), first, contentLength, host, cookies, priority };
  }
  if (scheme === undefined || path === undefined) return failMessage('The request lacks :scheme or :path');
  if (!isScheme(scheme)) failMessage(`:scheme is ${show(scheme)}`);
  const isHttp = /^https?$/i.test(scheme);
  checkPath(path, method, isHttp);
  const authority = checkAuthority(pseudo.authority, host, isHttp);
  return { head: { method, scheme, authority, path, protocol }, first, contentLength, host, cookies, priority };
}

function checkPath(path: string, method: string, isHttp: boolean): void {
  // @rfc 9114#4.3.1-4 not empty for http and https
  const isGood = path.startsWith('/') || (path === '*' && method === 'OPTIONS');
  if ((isHttp && !isGood) || !isPath(path)) failMessage(`:path is ${show(path)}`);
}

/** The authority of the target, from :authority or Host. */
function checkAuthority(authority: string | undefined, host: string | undefined, isHttp: boolean): string | undefined {
  const either = authority ?? host;
  // @rfc 9114#4.3.1-6 @rfc 9114#4.3.1-7 @rfc 9114#4.3.1-8 one of the two, not empty, and the same
  if (isHttp && either === undefined) failMessage('The request has neither :authority nor Host');
  if (authority !== undefined && host !== undefined && authority !== host) {
    failMessage(`:authority is ${show(authority)} and Host ${show(host)}`);
  }
  // @rfc 9114#4.3.1-1 no userinfo for http and https
  if (either !== undefined && isHttp && !isAuthority(either)) failMessage(`:authority or Host is ${show(either)}`);
  return either;
}

/** @rfc 9114#4.4-1 a CONNECT request has :authority, with a port, and neither :scheme nor :path. */
function connectHead({ scheme, path, authority }: PseudoFields): RequestHead {
  if (scheme !== undefined || path !== undefined) failMessage('The CONNECT request has :scheme or :path');
  if (authority === undefined || !isAuthority(authority) || !/[^:]:\d{1,5}$/.test(authority)) {
    failMessage(`The CONNECT request has the :authority ${show(authority ?? '')}, which is no host and port`);
  }
  return { method: 'CONNECT', scheme: undefined, authority, path: undefined, protocol: undefined };
}

/**
 * Checks the header section of a response.
 *
 * @throws Http3Error (scope `'stream'`) when it is malformed
 */
export function checkResponse(fields: Lines): CheckedResponse {
  const first = collect(fields, responseNames);
  const { contentLength, host, cookies, priority } = checkFields(fields, first, 'response');
  // @rfc 9114#4.3.2-1 :status is in all responses
  if (pseudo.status === undefined) return failMessage('The response has no :status');
  if (!/^[1-9]\d\d$/.test(pseudo.status)) failMessage(`:status is ${show(pseudo.status)}`);
  const status = Number(pseudo.status);
  // RFC 9114 section 4.5: HTTP/3 has no Upgrade.
  if (status === 101) failMessage('The response has the status 101, which HTTP/3 does not have');
  return { status, first, contentLength, host, cookies, priority };
}

/**
 * Checks a trailer section.
 *
 * @throws Http3Error (scope `'stream'`) when it is malformed
 */
export function checkTrailers(fields: Lines): void {
  checkFields(fields, 0, 'trailers');
}

/** Whether a response to a request cannot have content, whatever its Content-Length says (RFC 9110 section 6.4.1). */
export function hasNoContent(requestMethod: string | undefined, status: number): boolean {
  return requestMethod === 'HEAD' || status === 204 || status === 304;
}
