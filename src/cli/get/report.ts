/** What `skein get` tells beside the content: -i, -v, -w, --json. */

import type { FieldLine } from '../../http3.js';
import type { QuicConnection } from '../../index.js';
import { formatHostAndPort } from '../arguments.js';
import { colors as pc } from '../colors.js';
import { formatBytes, formatRate, formatTime, table } from '../format.js';
import type { Output } from './output.js';
import type { Result } from './result.js';

export interface ReportOptions {
  readonly include: boolean;
  readonly verbose: boolean;
  readonly timing: boolean;
  readonly json: boolean;
}

/** Text of a server that goes to a terminal: without what terminals take for commands. */
function plain(text: string): string {
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, '\ufffd');
}

const line = ({ name, value }: FieldLine): string => `${plain(name)}: ${plain(value)}`;

const VERSIONS: Readonly<Record<Result['protocol'], string>> = { h3: 'HTTP/3', h2: 'HTTP/2', 'http/1.1': 'HTTP/1.1' };

export class Reporter {
  readonly #options: ReportOptions;
  readonly #told = new WeakSet<QuicConnection>();

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  /** A remark for -v. */
  note(words: string): void {
    if (this.#options.verbose) console.error(pc.dim(`* ${plain(words)}`));
  }

  /** @param protocol undefined while nobody knows */
  sending(method: string, url: URL, fields: readonly FieldLine[], protocol: Result['protocol'] | undefined): void {
    if (!this.#options.verbose) return;
    const version = protocol === undefined ? 'HTTP' : VERSIONS[protocol];
    const head = [`${method} ${url.pathname}${url.search} ${version}`, `host: ${url.host}`, ...fields.map(line)];
    console.error(head.map((text) => `> ${text}`).join('\n'));
  }

  /** A header section that came: that of the response, or of an interim one before it. */
  received(status: number, fields: readonly FieldLine[], protocol: Result['protocol']): void {
    if (!this.#options.verbose) return;
    console.error([`${VERSIONS[protocol]} ${status}`, ...fields.map(line)].map((text) => `< ${text}`).join('\n'));
  }

  async head(
    protocol: Result['protocol'],
    status: number,
    fields: readonly FieldLine[],
    output: Output,
  ): Promise<void> {
    this.received(status, fields, protocol);
    if (this.#options.include)
      await output.text([`${VERSIONS[protocol]} ${status}`, ...fields.map(line), '', ''].join('\n'));
  }

  /** The connection that a response came over. */
  connection(quic: QuicConnection, reused: boolean): void {
    if (!this.#options.verbose) return;
    if (this.#told.has(quic)) {
      if (reused) this.note('the same connection');
      return;
    }
    this.#told.add(quic);
    const { address: host, port } = quic.remoteAddress;
    const { cipher, alpn, resumed } = quic.details;
    const early = quic.earlyData === 'none' ? '' : `, early data ${quic.earlyData}`;
    this.note(
      `${formatHostAndPort({ host, port })}, ${alpn ?? 'h3'}, ${cipher ?? 'handshake under way'}${resumed ? ', resumed' : ''}${early}`,
    );
  }

  done(result: Result): void {
    if (this.#options.json) console.log(JSON.stringify(asJson(result)));
    if (this.#options.timing) console.error(inWords(result));
  }
}

function asJson({ headers, timing, ...rest }: Result): unknown {
  const round = (ms: number | undefined): number | undefined => ms && Math.round(ms * 1000) / 1000;
  const { resolved, connected, firstByte, total } = timing;
  return {
    ...rest,
    headers: headers.map(({ name, value }) => [name, value]),
    timing: {
      resolved: round(resolved),
      connected: round(connected),
      firstByte: round(firstByte),
      total: round(total),
    },
  };
}

function inWords({ url, status, bytes, redirects, protocol, connection, earlyData, timing }: Result): string {
  const { resolved, connected, firstByte, total } = timing;
  const rows = [
    ['name resolved', resolved],
    ['handshake complete', connected],
    ['first byte', firstByte],
    ['all received', total],
  ] as const;
  const cells = rows.flatMap(([label, ms]) => (ms === undefined ? [] : [[label, formatTime(ms)]]));
  const notes = [
    ...(protocol === 'h3' ? [] : [VERSIONS[protocol]]),
    `${connection} connection`,
    ...(earlyData === 'none' ? [] : [`early data ${earlyData}`]),
    ...(redirects === 0 ? [] : [`${redirects} redirects`]),
    `${formatBytes(bytes)} (${formatRate(bytes, total - firstByte)})`,
  ];
  return `${url} ${status}: ${notes.join(', ')}\n${table(['since the request', 'ms'], cells)}`;
}
