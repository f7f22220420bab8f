/** `skein get`. */

import { colors as pc } from '../colors.js';
import { EXIT, exitCode, inWords, type ExitCode } from '../failure.js';
import { interruptible } from '../interrupt.js';
import { identity, trust } from '../arguments.js';
import { Connections } from './connections.js';
import { Output } from './output.js';
import { makePlan, type GetArguments } from './plan.js';
import { Reporter } from './report.js';
import { fetchOne } from './fetch-one.js';
import { TcpRequests } from './tcp.js';

/** Fetches one URL after the other. Ends with the exit code of the first that failed. */
export async function get(urls: readonly string[], options: GetArguments): Promise<void> {
  const plan = await makePlan(urls, options);
  const interrupt = interruptible();
  const connections = new Connections({
    ...trust(options),
    ...identity(options),
    connectionTimeout: options.timeout,
    idleTimeout: options.timeout,
    enableEarlyData: options.earlyData,
  });
  const { caPath, verifyPeer, servername } = trust(options);
  const tcp = new TcpRequests({ caPath, verifyPeer, servername, ...identity(options), timeout: options.timeout });
  const reporter = new Reporter(options);
  let code: ExitCode = EXIT.done;
  try {
    for (const [index, target] of plan.targets.entries()) {
      try {
        const output = new Output(target.output);
        const result = await fetchOne({
          url: target.url,
          plan,
          connections,
          tcp,
          reporter,
          output,
          signal: interrupt.signal,
        });
        reporter.done(result);
        if (result.status >= 400 && code === EXIT.done) code = EXIT.status;
      } catch (error) {
        if (interrupt.signal.aborted) throw interrupt.signal.reason;
        if (plan.targets.length === 1) throw error;
        // The others may be well.
        console.error(inWords(error));
        if (code === EXIT.done) code = exitCode(error);
      }
      if (options.fresh && index < plan.targets.length - 1) await Promise.all([connections.closeAll(), tcp.closeAll()]);
    }
  } finally {
    await tcp.closeAll();
    await connections.shutdown(interrupt.signal.aborted ? 0 : 1000);
    interrupt.dispose();
  }
  if (code === EXIT.status && process.stderr.isTTY) console.error(pc.dim('skein: the server answered with an error'));
  process.exitCode = code;
}
