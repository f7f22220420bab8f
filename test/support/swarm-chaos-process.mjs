// A coordinator, worker or submitter that a test kills. Says what it does on its standard output, one line each.
//   swarm-chaos-process.mjs coordinator PORT FILE | worker PORT ID EFFECTS | submitter PORT ID
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { initSwarm, joinSwarm, SqliteStore } from '../../dist/swarm/index.js';

const [role, port, ...rest] = process.argv.slice(2);
const secret = 'a secret for tests only';
const IN_FLIGHT = 16;
const common = { host: '127.0.0.1', secret };
const joining = { ...common, coordinator: `127.0.0.1:${port}`, retryFor: 120_000 };
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);
// Nobody is left behind when the test ends before its time.
process.stdin.on('end', () => process.exit(0));
/** Submitters: no new tasks. May be said before they have joined. */
let stopping = false;
process.stdin.on('data', () => {
  stopping = true;
});

switch (role) {
  case 'coordinator': {
    const [file] = rest;
    await initSwarm({
      ...common,
      swarmId: 'chaos',
      quicPort: Number(port),
      lease: 1500,
      store: await SqliteStore.open(file),
      tasks: { retention: 3_600_000, maxFinished: 1_000_000, maxInterruptions: 1000 },
      permissions: { operator: ['administer'] },
    });
    break;
  }
  case 'worker': {
    const [id, effects] = rest;
    const hash = async (value, { task }) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      appendFileSync(effects, `${task.idempotencyKey}\n`);
      return createHash('sha256').update(value).digest('hex');
    };
    await joinSwarm({ ...joining, id, capabilities: ['hash'], handlers: { hash } });
    break;
  }
  case 'submitter': {
    const [id] = rest;
    const agent = await joinSwarm({ ...joining, id });
    let count = 0;
    const loop = async () => {
      while (!stopping) {
        const key = `${id}-${process.pid}-${count++}`;
        const payload = Buffer.from(key.repeat(1 + (count % 300)));
        try {
          const options = { capability: 'hash', payload, idempotencyKey: key, maxAttempts: 100 };
          const task = await agent.submit({ ...options, backoff: { initial: 20, max: 500 } });
          say('accepted', key, task.id);
          task.once('settled', () => say('settled', key));
          const result = await task.result;
          const isRight = result === createHash('sha256').update(payload).digest('hex');
          say(isRight ? 'done' : 'wrong', key);
        } catch (error) {
          say('failed', key, error.code, error.message.replaceAll('\n', ' '));
        }
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
    say('finished', id);
    break;
  }
}
say('up', role);
