// How a measured process talks with the runner: by messages when the runner started it, else by lines on standard output,
// so that each side can also be started by hand, under a profiler for example.

function cpuMs(since) {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

function waitFor(what) {
  return new Promise((resolve) => {
    const listener = (message) => {
      if (message !== what) return;
      process.off('message', listener);
      resolve();
    };
    process.on('message', listener);
  });
}

function tell(message) {
  if (process.send) process.send(message);
  else console.log(JSON.stringify(message));
}

/** The client's side: `begin` waits until the server's clock is set too, `report` ends the measurement. */
export function clientControl() {
  let wall = performance.now();
  let cpu = process.cpuUsage();
  // Not by the signal itself: a profiler writes what it has seen at the exit.
  process.on('SIGTERM', () => process.exit());
  return {
    async begin() {
      if (process.send) {
        const go = waitFor('go');
        process.send('ready');
        await go;
      }
      cpu = process.cpuUsage();
      wall = performance.now();
    },
    /** Reports wall and CPU time since `begin`, and `extra`, which may replace them. */
    report(extra) {
      tell({ wallMs: performance.now() - wall, cpuMs: cpuMs(cpu), ...extra });
    },
  };
}

/**
 * The server's side: tells where it listens, and then, whenever asked (the message `cpu`, or SIGUSR2), its CPU time since
 * the last answer and what `look` adds.
 */
export function serveControl(where, look = () => ({})) {
  let cpu = process.cpuUsage();
  const answer = async () => {
    // Read before looking, which may collect garbage.
    const used = cpuMs(cpu);
    const seen = await look();
    tell({ cpuMs: used, ...seen });
    cpu = process.cpuUsage();
  };
  process.on('message', (message) => {
    if (message === 'cpu') void answer();
  });
  process.on('disconnect', () => process.exit());
  // Not by the signal itself: a profiler writes what it has seen at the exit.
  process.on('SIGTERM', () => process.exit());
  process.on('SIGUSR2', () => void answer());
  tell(where);
}
