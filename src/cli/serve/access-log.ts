/** A line for each request, when its response is over. */

import type { HandlerInfo } from '../../http3.js';
import { colors as pc } from '../colors.js';
import { formatTime } from '../format.js';

/** Takes a response on its way out and logs it at its end. */
export type AccessLog = (request: Request, info: HandlerInfo, response: Response) => Response;

interface Line {
  readonly time: string;
  readonly remote: string;
  readonly protocol: string;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly status: number;
  /** Content that was handed to the transport. */
  readonly bytes: number;
  readonly ms: number;
  /** Whether it came in early data (0-RTT). */
  readonly early: boolean;
  /** Whether the response was sent to its end. */
  readonly complete: boolean;
}

export function accessLog(json: boolean): AccessLog {
  return (request, info, response) => {
    const began = performance.now();
    const { pathname, search } = new URL(request.url);
    const end = (bytes: number, complete: boolean): void => {
      const line: Line = {
        time: new Date().toISOString(),
        remote: info.remote.address,
        protocol: `HTTP/${info.httpVersion.replace(/^([23])\.0$/, '$1')}`,
        method: request.method,
        path: pathname + search,
        status: response.status,
        bytes,
        ms: Math.round((performance.now() - began) * 100) / 100,
        early: info.early,
        complete,
      };
      console.log(json ? JSON.stringify(line) : inWords(line));
    };
    if (response.body === null || request.method === 'HEAD') {
      end(0, true);
      return response;
    }
    const { status, headers } = response;
    return new Response(counted(response.body, end), { status, headers });
  };
}

function inWords({ time, remote, protocol, method, path, status, bytes, ms, early, complete }: Line): string {
  const paint = status < 300 ? pc.green : status < 400 ? pc.cyan : pc.red;
  const notes = `${early ? ' 0-RTT' : ''}${complete ? '' : ' cut off'}`;
  return `${pc.dim(time)} ${remote} ${protocol} ${method} ${path} ${paint(String(status))} ${bytes} ${pc.dim(formatTime(ms))}${notes}`;
}

/** Passes a body on and tells how many bytes it was, and whether it came to its end. */
function counted(
  body: ReadableStream<Uint8Array>,
  end: (bytes: number, complete: boolean) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (done) {
            end(bytes, true);
            controller.close();
            return;
          }
          bytes += value.length;
          controller.enqueue(value);
        } catch (error) {
          end(bytes, false);
          throw error;
        }
      },
      cancel: async (reason) => {
        end(bytes, false);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
