import type { FieldLine } from '../../qpack/index.js';
import { failMessage } from './errors.js';
import type { RequestHead } from './events.js';
import {
  type FieldFacts,
  checkFields,
  isAuthority,
  isPath,
  isPseudo,
  isScheme,
  isToken,
  joinCookies,
  show,
} from './fields.js';

/** A header section that was found sound. */
export interface CheckedRequest {
  readonly head: RequestHead;
  /** Index of the first field line that is no pseudo-header field. */
  readonly first: number;
  readonly facts: FieldFacts;
}

/** A header section that was found sound. */
export interface CheckedResponse {
  readonly status: number;
  /** Index of the first field line that is no pseudo-header field. */
  readonly first: number;
  readonly facts: FieldFacts;
}

/** Values of pseudo-header fields. An array, so that one that is missing differs from one that is empty. */
interface PseudoFields {
  method?: string;
  scheme?: string;
  authority?: string;
  path?: string;
  protocol?: string;
  status?: string;
}

const requestNames: ReadonlyMap<string, keyof PseudoFields> = new Map([
  [':method', 'method'],
  [':scheme', 'scheme'],
  [':authority', 'authority'],
  [':path', 'path'],
  [':protocol', 'protocol'],
]);
const responseNames: ReadonlyMap<string, keyof PseudoFields> = new Map([[':status', 'status']]);

/** Collects pseudo-header fields, which come first; returns how many there are. */
function collect(
  fields: readonly FieldLine[],
  names: ReadonlyMap<string, keyof PseudoFields>,
  into: PseudoFields,
): number {
  let index = 0;
  for (; index < fields.length; index++) {
    const line = fields[index];
    if (line === undefined || !isPseudo(line.name)) break;
    const key = names.get(line.name);
    // @rfc 9114#4.3-2 @rfc 9114#4.3-4 undefined ones, and those of the other kind of message
    if (key === undefined) failMessage(`The pseudo-header field ${show(line.name)} is not defined for this message`);
    // @rfc 9114#4.3.1-5 exactly one value each
    if (into[key] !== undefined) failMessage(`The pseudo-header field ${line.name} occurs twice`);
    into[key] = line.value;
  }
  return index;
}

/**
 * Checks the header section of a request.
 *
 * @param extendedConnect whether the server has announced extended CONNECT; without, `:protocol` is not defined
 * @throws Http3Error (scope `'stream'`) when it is malformed
 */
export function checkRequest(fields: readonly FieldLine[], extendedConnect: boolean): CheckedRequest {
  const pseudo: PseudoFields = {};
  const first = collect(fields, requestNames, pseudo);
  const facts = checkFields(fields, first, 'request');
  const { method, scheme, path, protocol } = pseudo;
  // @rfc 9114#4.3.1-5 a request without mandatory pseudo-header fields, or with invalid ones, is malformed
  if (method === undefined) return failMessage('The request has no :method');
  if (!isToken(method)) failMessage(`:method is ${show(method)}`);
  if (protocol !== undefined) {
    // @rfc 9220#3-3 :protocol needs the server's setting, and is for CONNECT
    if (!extendedConnect) failMessage('The request has :protocol, and extended CONNECT was not announced');
    if (method !== 'CONNECT') failMessage(`The request has :protocol and the method ${method}`);
    if (!isToken(protocol)) failMessage(`:protocol is ${show(protocol)}`);
  } else if (method === 'CONNECT') {
    return { head: connectHead(pseudo), first, facts };
  }
  if (scheme === undefined || path === undefined) return failMessage('The request lacks :scheme or :path');
  if (!isScheme(scheme)) failMessage(`:scheme is ${show(scheme)}`);
  const isHttp = /^https?$/i.test(scheme);
  checkPath(path, method, isHttp);
  const authority = checkAuthority(pseudo.authority, facts.host, isHttp);
  return { head: { method, scheme, authority, path, protocol }, first, facts };
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
export function checkResponse(fields: readonly FieldLine[]): CheckedResponse {
  const pseudo: PseudoFields = {};
  const first = collect(fields, responseNames, pseudo);
  const facts = checkFields(fields, first, 'response');
  // @rfc 9114#4.3.2-1 :status is in all responses
  if (pseudo.status === undefined) return failMessage('The response has no :status');
  if (!/^[1-9]\d\d$/.test(pseudo.status)) failMessage(`:status is ${show(pseudo.status)}`);
  const status = Number(pseudo.status);
  // RFC 9114 section 4.5: HTTP/3 has no Upgrade.
  if (status === 101) failMessage('The response has the status 101, which HTTP/3 does not have');
  return { status, first, facts };
}

/**
 * Checks a trailer section.
 *
 * @throws Http3Error (scope `'stream'`) when it is malformed
 */
export function checkTrailers(fields: readonly FieldLine[]): void {
  checkFields(fields, 0, 'trailers');
}

/** The field lines without pseudo-header fields, as applications want them. Takes the array over. */
export function regularFields(fields: FieldLine[], first: number, cookies: number): readonly FieldLine[] {
  fields.splice(0, first);
  return cookies > 1 ? joinCookies(fields) : fields;
}

/** Whether a response to a request cannot have content, whatever its Content-Length says (RFC 9110 section 6.4.1). */
export function hasNoContent(requestMethod: string | undefined, status: number): boolean {
  return requestMethod === 'HEAD' || status === 204 || status === 304;
}
