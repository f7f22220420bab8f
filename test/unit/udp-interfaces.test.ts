import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';

import { DgramNetwork } from '../../src/quic/udp/dgram-network.js';
import type { InterfaceAddress } from '../../src/quic/udp/interfaces.js';
import { InterfaceTable, systemInterfaces } from '../../src/quic/udp/interfaces.js';
import { socketAddress } from '../../src/quic/udp/address.js';

function machine(): {
  interfaces: Record<string, InterfaceAddress[]>;
  mtus: Record<string, number | undefined>;
  now: number;
  asked: number;
  table: InterfaceTable;
} {
  const state = {
    interfaces: {
      lo: [
        { address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true },
        { address: '::1', cidr: '::1/128', internal: true, scopeid: 0 },
      ],
      eth0: [
        { address: '192.0.2.10', cidr: '192.0.2.10/24', internal: false },
        { address: 'fe80::10', cidr: 'fe80::10/64', internal: false, scopeid: 2 },
        { address: '2001:db8::10', cidr: '2001:db8::10/61', internal: false, scopeid: 0 },
      ],
      tun0: [
        { address: '192.0.2.129', cidr: '192.0.2.129/26', internal: false },
        { address: 'fe80::11', cidr: 'fe80::11/64', internal: false, scopeid: 3 },
      ],
      odd: [{ address: 'none', cidr: null, internal: false }],
    } as Record<string, InterfaceAddress[]>,
    mtus: { lo: 65_536, eth0: 1_500, tun0: 1_400 } as Record<string, number | undefined>,
    now: 0,
    asked: 0,
  };
  const table = new InterfaceTable({
    interfaces: () => {
      state.asked++;
      return state.interfaces;
    },
    mtu: (name) => {
      const mtu = state.mtus[name];
      if (mtu === undefined) throw new Error(`no such device ${name}`);
      return mtu;
    },
    now: () => state.now,
    wholeLoopbackBlock: true,
  });
  return Object.assign(state, { table });
}

const to = (address: string) => socketAddress(address, 443)!;

test('the largest payload follows from the interface', () => {
  const { table } = machine();
  const network = new DgramNetwork(table);
  const largest = (local: string, remote: string) => network.maxPayloadTowards(to(local), to(remote));
  // This machine's own addresses, over the loopback interface: bounded by the length field of IPv4, by the MTU of IPv6.
  assert.equal(largest('127.0.0.1', '127.0.0.1'), 65_507);
  assert.equal(largest('0.0.0.0', '127.9.9.9'), 65_507);
  assert.equal(largest('::1', '::1'), 65_488);
  assert.equal(largest('::', '127.0.0.1'), 65_507);
  assert.equal(largest('0.0.0.0', '192.0.2.10'), 65_507);
  // By the address that the socket is bound to.
  assert.equal(largest('192.0.2.10', '198.51.100.1'), 1_472);
  assert.equal(largest('192.0.2.129', '198.51.100.1'), 1_372);
  assert.equal(largest('2001:db8::10', '2600::1'), 1_452);
  assert.equal(largest('fe80::11%tun0', 'fe80::99%tun0'), 1_352);
  // By the subnet of the remote, the narrowest of several.
  assert.equal(largest('0.0.0.0', '192.0.2.20'), 1_472);
  assert.equal(largest('0.0.0.0', '192.0.2.130'), 1_372);
  assert.equal(largest('::', '2001:db8:0:7::1'), 1_452);
  assert.equal(largest('::', 'fe80::99%tun0'), 1_352);
  assert.equal(largest('::', 'fe80::99%eth0'), 1_452);
  // Beyond.
  assert.equal(largest('0.0.0.0', '198.51.100.1'), undefined);
  assert.equal(largest('::', '2001:db8:0:8::1'), undefined);
  assert.equal(largest('203.0.113.1', '198.51.100.1'), undefined);
});

test('an MTU that the system does not tell is no failure', () => {
  const state = machine();
  state.mtus = { lo: 20 };
  const network = new DgramNetwork(state.table);
  assert.equal(network.maxPayloadTowards(to('192.0.2.10'), to('198.51.100.1')), undefined);
  assert.equal(network.maxPayloadTowards(to('127.0.0.1'), to('127.0.0.1')), undefined);
});

test('the system is asked every few seconds, and at once for what is not known yet', () => {
  const state = machine();
  assert.ok(state.table.hasAddress('192.0.2.10'));
  assert.ok(!state.table.hasAddress('192.0.2.11'));
  assert.ok(state.table.hasAddress('0:0:0::1'));
  assert.ok(state.table.hasAddress('127.1.2.3'));
  assert.equal(state.asked, 1);
  delete state.interfaces['eth0'];
  state.now = 2_900;
  assert.ok(state.table.hasAddress('192.0.2.10'));
  assert.ok(!state.table.hasAddress('192.0.2.10', 100));
  assert.equal(state.asked, 2);
  state.now = 6_000;
  assert.ok(!state.table.hasAddress('192.0.2.10'));
  assert.equal(state.asked, 3);
  state.interfaces['wlan0'] = [{ address: 'fe80::5', cidr: 'fe80::5/64', internal: false, scopeid: 9 }];
  state.now = 6_200;
  assert.equal(state.table.scopeOf('fe80::5%wlan0'), 9);
  if (process.platform !== 'win32') assert.equal(state.table.zoneOf(9), 'wlan0');
  assert.equal(state.table.zoneOf(12), '12');
  delete state.interfaces['lo'];
  state.now = 10_000;
  assert.ok(!state.table.hasAddress('127.1.2.3'));
});

test('a system that tells nothing has no addresses', () => {
  const table = new InterfaceTable({
    interfaces: () => {
      throw new Error('not permitted');
    },
    mtu: () => undefined,
    now: () => 0,
    wholeLoopbackBlock: true,
  });
  assert.ok(!table.hasAddress('127.0.0.1'));
  assert.equal(table.loopbackMtu(), undefined);
  assert.equal(table.scopeOf('fe80::1%eth0'), 0);
});

test('this machine has its own addresses', () => {
  const network = new DgramNetwork();
  const own = Object.values(networkInterfaces()).flatMap((infos) => infos ?? []);
  for (const { address, scopeid, family } of own as { address: string; scopeid?: number; family: string }[]) {
    assert.ok(network.hasLocalAddress(address), address);
    if (family === 'IPv6' && scopeid) {
      assert.ok(network.hasLocalAddress(`${address}%${systemInterfaces.zoneOf(scopeid)}`));
    }
  }
  assert.ok(network.hasLocalAddress('0.0.0.0'));
  assert.ok(network.hasLocalAddress('::'));
  assert.ok(!network.hasLocalAddress('198.51.100.250'));
  assert.ok(!network.hasLocalAddress('2001:db8::dead'));
});
