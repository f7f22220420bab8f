import type { FieldLine } from '../../qpack/index.js';
import { failMessage } from './errors.js';

/** Field lines by their position, whatever they are kept in: a `FieldSection` that came, or an array that is to be sent. */
export interface Lines {
  readonly length: number;
  name(index: number): string;
  value(index: number): string;
}

/** Those of an array. */
export class ArrayLines implements Lines {
  readonly #lines: readonly FieldLine[];

  constructor(lines: readonly FieldLine[]) {
    this.#lines = lines;
  }

  get length(): number {
    return this.#lines.length;
  }

  name(index: number): string {
    return (this.#lines[index] as FieldLine).name;
  }

  value(index: number): string {
    return (this.#lines[index] as FieldLine).value;
  }
}

/** Where a field section stands, which decides what may be in it. */
export type SectionKind = 'request' | 'response' | 'trailers';

/** What the fields of a section say that HTTP/3 itself has to know. */
export interface FieldFacts {
  readonly contentLength: number | undefined;
  readonly host: string | undefined;
  /** Lines called cookie. */
  readonly cookies: number;
  /** The Priority field, its lines joined. */
  readonly priority: string | undefined;
}

type Facts = { -readonly [K in keyof FieldFacts]: FieldFacts[K] };

/** Those of the section that is being checked. */
const facts: Facts = { contentLength: undefined, host: undefined, cookies: 0, priority: undefined };

const COLON = 0x3a;

function table(characters: string): Uint8Array {
  const allowed = new Uint8Array(256);
  for (let index = 0; index < characters.length; index++) allowed[characters.charCodeAt(index)] = 1;
  return allowed;
}

const digits = '0123456789';
const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();

/** RFC 9110 section 5.6.2. */
const tokenCharacters = table(`!#$%&'*+-.^_\`|~${digits}${lower}${upper}`);
const nameCharacters = table(`!#$%&'*+-.^_\`|~${digits}${lower}`);
const schemeCharacters = table(`+-.${digits}${lower}${upper}`);
/** RFC 3986 section 3.2, without userinfo's @. */
const authorityCharacters = table(`-._~!$&'()*+,;=:[]%${digits}${lower}${upper}`);

function consistsOf(text: string, allowed: Uint8Array): boolean {
  for (let index = 0; index < text.length; index++) if (allowed[text.charCodeAt(index)] !== 1) return false;
  return text.length > 0;
}

export function isToken(text: string): boolean {
  return consistsOf(text, tokenCharacters);
}

export function isScheme(text: string): boolean {
  return consistsOf(text, schemeCharacters) && /^[a-z]/i.test(text);
}

/** Without userinfo. */
export function isAuthority(text: string): boolean {
  return consistsOf(text, authorityCharacters);
}

/** Visible characters and bytes above ASCII only. */
export function isPath(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 0x20 || code === 0x7f || code > 0xff) return false;
  }
  return true;
}

/** RFC 9110 section 5.5: visible characters and bytes above ASCII; space and tab only in between. */
function isFieldValue(text: string): boolean {
  const length = text.length;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x20 && code !== 0x7f && code <= 0xff) continue;
    if ((code === 0x20 || code === 0x09) && index > 0 && index < length - 1) continue;
    return false;
  }
  return true;
}

/** Fields that this layer has to look at. */
const special: ReadonlyMap<string, 'forbidden' | 'te' | 'host' | 'content-length' | 'cookie' | 'priority'> = new Map([
  ['connection', 'forbidden'],
  ['keep-alive', 'forbidden'],
  ['proxy-connection', 'forbidden'],
  ['transfer-encoding', 'forbidden'],
  ['upgrade', 'forbidden'],
  ['te', 'te'],
  ['host', 'host'],
  ['content-length', 'content-length'],
  ['cookie', 'cookie'],
  ['priority', 'priority'],
]);

export function isPseudo(name: string): boolean {
  return name.charCodeAt(0) === COLON;
}

/** For messages: what came from the remote, fit to be printed. */
export function show(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

/**
 * Checks the field lines from `first` on, none of which may be a pseudo-header field.
 *
 * @returns what is good until the next call
 * @throws Http3Error (scope `'stream'`) when they make the message malformed
 */
export function checkFields(fields: Lines, first: number, kind: SectionKind): FieldFacts {
  facts.contentLength = undefined;
  facts.host = undefined;
  facts.cookies = 0;
  facts.priority = undefined;
  const { length } = fields;
  for (let index = first; index < length; index++) {
    const name = fields.name(index);
    const value = fields.value(index);
    if (!consistsOf(name, nameCharacters)) failName(name, kind);
    // @rfc 9114#10.3-2 characters that are not permitted in a field value
    if (!isFieldValue(value)) failMessage(`The field ${name} holds a character that no field value may have`);
    const meaning = special.get(name);
    if (meaning !== undefined) note(meaning, name, value, kind);
  }
  return facts;
}

function failName(name: string, kind: SectionKind): never {
  if (isPseudo(name)) {
    // @rfc 9114#4.3-3 @rfc 9114#4.3-6 pseudo-header fields after fields, or in trailers
    const where = kind === 'trailers' ? 'in a trailer section' : 'after a field that is none';
    failMessage(`The pseudo-header field ${show(name)} stands ${where}`);
  }
  // @rfc 9114#4.2-2 uppercase names, @rfc 9114#10.3-1 and names with invalid characters
  failMessage(`${show(name)} is no field name in lower case`);
}

function note(meaning: string, name: string, value: string, kind: SectionKind): void {
  switch (meaning) {
    case 'te':
      // @rfc 9114#4.2-4 TE is allowed in requests, and says nothing but trailers
      if (kind === 'request' && value.toLowerCase() === 'trailers') return;
      return failMessage(`The field te: ${show(value)} is not allowed here`);
    case 'host':
      if (kind !== 'request') return;
      if (facts.host !== undefined) failMessage('The request has more than one Host field');
      facts.host = value;
      return;
    case 'content-length':
      if (kind === 'trailers') return;
      if (facts.contentLength !== undefined) failMessage('The message has more than one Content-Length');
      facts.contentLength = contentLength(value);
      return;
    case 'cookie':
      facts.cookies++;
      return;
    case 'priority':
      facts.priority = facts.priority === undefined ? value : `${facts.priority}, ${value}`;
      return;
    default:
      // @rfc 9114#4.2-3 connection-specific fields, and @rfc 9114#4.1-5 Transfer-Encoding
      failMessage(`The field ${name} belongs to HTTP/1.1 connections and is not allowed in HTTP/3`);
  }
}

function contentLength(value: string): number {
  const length = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(length)) return length;
  return failMessage(`Content-Length is ${show(value)}`);
}
