/** The header section of a response, from whatever form it is given in. */

import type { FieldLine } from '../core/index.js';
import { dateLine, isConnectionSpecific } from '../fields.js';
import type { ResponseFields } from './server-stream.js';

/** Statuses whose responses have no content (RFC 9110 section 6.4.1). */
export function hasNoContent(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

const NO_CONTENT: FieldLine = { name: 'content-length', value: '0' };

/** Lines of statuses that were sent before; there are at most some hundred. */
const statusLines = new Map<number, FieldLine>();

export function statusLine(status: number): FieldLine {
  let line = statusLines.get(status);
  if (line === undefined) statusLines.set(status, (line = { name: ':status', value: String(status) }));
  return line;
}

/** Gathers the lines of a header or trailer section; adds what is missing. */
class Section {
  readonly lines: FieldLine[];
  #hasDate = false;
  #hasLength = false;

  /** @param lines those that come first */
  constructor(...lines: FieldLine[]) {
    this.lines = lines;
  }

  add(name: string, value: string): void {
    if (isConnectionSpecific(name)) return;
    this.addLine({ name, value });
  }

  addLine(line: FieldLine): void {
    if (line.name === 'date') this.#hasDate = true;
    else if (line.name === 'content-length') this.#hasLength = true;
    this.lines.push(line);
  }

  /** @param isEmpty whether there could be content, and is none: whose length is stated */
  end(isEmpty: boolean): FieldLine[] {
    if (!this.#hasDate) this.lines.push(dateLine());
    if (isEmpty && !this.#hasLength) this.lines.push(NO_CONTENT);
    return this.lines;
  }
}

/** That of a `Response`. What HEAD would have got with GET is not known where there is no body. */
export function fieldsOfResponse(response: Response, isHead: boolean): FieldLine[] {
  const { status, headers } = response;
  const section = new Section(statusLine(status));
  for (const [name, value] of headers) section.add(name, value);
  return section.end(!isHead && !hasNoContent(status) && response.body === null);
}

/** That of a response on a stream. */
export function fieldsOfStream(status: number, given: ResponseFields | undefined, isEmpty: boolean): FieldLine[] {
  const section = new Section(statusLine(status));
  if (given !== undefined) addGiven(section, given);
  return section.end(isEmpty && !hasNoContent(status));
}

/** States the length of content that is all there, unless that was done (RFC 9110 section 8.6). */
export function stateLength(fields: FieldLine[], length: number): void {
  if (!fields.some(({ name }) => name === 'content-length')) {
    fields.push({ name: 'content-length', value: String(length) });
  }
}

/** Trailers in any form. */
export function trailerFields(given: NonNullable<ResponseFields>): readonly FieldLine[] {
  const section = new Section();
  addGiven(section, given);
  return section.lines;
}

function addGiven(section: Section, given: NonNullable<ResponseFields>): void {
  if (Symbol.iterator in given) {
    for (const entry of given as Iterable<FieldLine | readonly [string, string]>) {
      if ('name' in entry) addLine(section, entry);
      else section.add(lowerCase(entry[0]), entry[1]);
    }
    return;
  }
  const record = given as Readonly<Record<string, string | number | readonly string[] | undefined>>;
  for (const name of Object.keys(record)) {
    const value = record[name];
    if (typeof value === 'string') section.add(lowerCase(name), value);
    else if (typeof value === 'object') for (const each of value) section.add(lowerCase(name), each);
    else if (value !== undefined) section.add(lowerCase(name), String(value));
  }
}

function addLine(section: Section, line: FieldLine): void {
  const name = lowerCase(line.name);
  if (isConnectionSpecific(name)) return;
  section.addLine(name === line.name ? line : { ...line, name });
}

const MAX_NAMES = 512;
/** Names as servers write them, in lower case: the same few again and again. */
const names = new Map<string, string>();

function lowerCase(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (names.size >= MAX_NAMES) names.clear();
  const lower = name.toLowerCase();
  names.set(name, lower);
  return lower;
}
