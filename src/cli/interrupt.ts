/** Ctrl-C and SIGTERM: the first asks the command to end cleanly, the second ends the process. */

import { CliError, EXIT } from './failure.js';

export interface Interrupt {
  /** Aborted by the first signal; its reason is a {@link CliError} with exit code 130. */
  readonly signal: AbortSignal;
  /** Puts things back: signals end the process as before. */
  dispose(): void;
}

/** Listens for signals until disposed. Listening does not keep the process alive. */
export function interruptible(): Interrupt {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(new CliError('interrupted', { exitCode: EXIT.interrupted }));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
