import assert from 'node:assert/strict';
import { isIP, SocketAddress as NodeSocketAddress } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';

import { ADDRESS } from '../../src/engine/layout.js';
import {
  AddressCache,
  addressToWords,
  formatSocketAddress,
  isLoopback,
  isWildcard,
  mapAddress,
  parseSocketAddress,
  sameSocketAddress,
  socketAddress,
  unmapAddress,
  wordsToAddress,
} from '../../src/quic/udp/address.js';
import { RemoteWords } from '../../src/quic/udp/remote-words.js';

const port = fc.integer({ min: 0, max: 65_535 });
const mapped = fc.ipV4().map((address) => `::ffff:${address}`);
/** IPv6 addresses as people write them: runs of zeros, capitals, an IPv4 tail. */
const ipv6 = fc.oneof(
  fc.ipV6(),
  mapped,
  fc
    .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
    .map((groups) => groups.map((group) => group.toString(16).toUpperCase()).join(':')),
);
/** Nearly addresses: what a parser must refuse. */
const nearly = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:.%x '), maxLength: 24 }),
  fc
    .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(), fc.constantFrom('', ':', '.', '0', '::', 'g', '%'))
    .map(([address, at, insert]) => {
      const index = at % (address.length + 1);
      return address.slice(0, index) + insert + address.slice(index + (insert === '' ? 1 : 0));
    }),
);

/** The same address as Node's own parser and printer see it. */
function canonical(address: string): string {
  if (isIP(address) === 4) return address;
  const hex = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const v4 = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(hex);
  if (v4 === null) return hex;
  const word = (Number.parseInt(v4[1]!, 16) * 0x10000 + Number.parseInt(v4[2]!, 16)) >>> 0;
  return [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join('.');
}

test('addresses are written as the WHATWG URL standard writes them, IPv4-mapped ones as IPv4', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), ipv6), port, (address, number) => {
      const parsed = socketAddress(address, number);
      assert.ok(parsed, address);
      assert.equal(parsed.address, canonical(address));
      assert.equal(parsed.port, number);
      assert.equal(parsed.family, parsed.address.includes(':') ? 'IPv6' : 'IPv4');
    }),
    { numRuns: 2_000 },
  );
});

test('the engine record holds the bytes in network order and reads back as the same address', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), ipv6), port, fc.integer({ min: 0, max: 3 }), (address, number, offset) => {
      const words = new Uint32Array(ADDRESS.size + 3).fill(0xdeadbeef);
      assert.ok(addressToWords(address, number, words, offset));
      const plain = canonical(address);
      assert.deepEqual(wordsToAddress(words, offset), socketAddress(plain, number));
      assert.equal(words[offset + ADDRESS.family], isIP(plain));
      const bytes = [...new Uint8Array(words.buffer, 4 * (offset + ADDRESS.ip), 16)];
      assert.deepEqual(
        bytes,
        isIP(plain) === 4 ? [...plain.split('.').map(Number), ...new Uint8Array(12)] : hexBytes(plain),
      );
      for (let at = 0; at < words.length; at++) {
        if (at < offset || at >= offset + ADDRESS.size) assert.equal(words[at], 0xdeadbeef);
      }
    }),
    { numRuns: 2_000 },
  );
});

/** The 16 bytes of an IPv6 address, by expanding it in full. */
function hexBytes(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return all.flatMap((group) => [Number.parseInt(group, 16) >>> 8, Number.parseInt(group, 16) & 255]);
}

test('what Node takes for an IP address is taken, and nothing else', () => {
  fc.assert(
    fc.property(fc.oneof(nearly, ipv6, fc.ipV4()), (text) => {
      // Zones are judged elsewhere: any text may follow the percent sign.
      fc.pre(!text.includes('%'));
      assert.equal(socketAddress(text, 1) !== undefined, isIP(text) !== 0, JSON.stringify(text));
    }),
    { numRuns: 5_000 },
  );
  for (const text of [
    '',
    ':',
    ':::',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    '::1::',
    '1:2:3:4:5:6:7:8::',
  ]) {
    assert.equal(socketAddress(text, 1), undefined, text);
  }
  for (const number of [-1, 65_536, 1.5, Number.NaN]) assert.equal(socketAddress('::1', number), undefined);
  assert.equal(addressToWords('localhost', 1, new Uint32Array(7)), false);
  assert.equal(wordsToAddress(new Uint32Array(7)), undefined);
});

test('addresses with their port are read as they are written', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), ipv6), port, (address, number) => {
      const parsed = socketAddress(address, number)!;
      assert.deepEqual(parseSocketAddress(formatSocketAddress(parsed)), parsed);
      const url = new URL(`http://${formatSocketAddress(parsed)}/`);
      assert.equal(url.hostname.replace(/^\[|\]$/g, ''), parsed.address);
    }),
  );
  for (const text of ['1.2.3.4', '1.2.3.4:', '1.2.3.4:65536', '::1:80', '[::1]', '[1.2.3.4]:1', 'host:1', '[::1]:1x']) {
    assert.equal(parseSocketAddress(text), undefined, text);
  }
});

test('IPv4-mapped addresses lose and gain their prefix', () => {
  assert.equal(unmapAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(unmapAddress('::ffff:c000:201'), '192.0.2.1');
  assert.equal(unmapAddress('::ffff'), '::ffff');
  assert.equal(unmapAddress('::ffff:1'), '::ffff:1');
  assert.equal(unmapAddress('192.0.2.1'), '192.0.2.1');
  assert.equal(unmapAddress('2001:db8::1'), '2001:db8::1');
  fc.assert(fc.property(fc.ipV4(), (address) => assert.equal(unmapAddress(mapAddress(address)), address)));
});

test('loopback and wildcard addresses are known in every spelling', () => {
  for (const address of ['127.0.0.1', '127.255.3.4', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1']) {
    assert.ok(isLoopback(address), address);
    assert.ok(!isWildcard(address), address);
  }
  for (const address of ['0.0.0.0', '::', '0:0::0', '::ffff:0.0.0.0']) {
    assert.ok(isWildcard(address), address);
    assert.ok(!isLoopback(address), address);
  }
  for (const address of ['128.0.0.1', '1.0.0.127', '::2', '100::', 'fe80::1', 'no address']) {
    assert.ok(!isLoopback(address) && !isWildcard(address), address);
  }
});

test('the zone of a link-local address travels as its scope ID', (context) => {
  const own = Object.entries(networkInterfaces()).flatMap(([name, infos]) =>
    (infos ?? []).filter((info) => info.family === 'IPv6' && info.scopeid !== 0).map((info) => ({ name, info })),
  );
  const words = new Uint32Array(7);
  assert.ok(addressToWords('fe80::1%77', 5, words));
  assert.equal(words[ADDRESS.scope], 77);
  assert.deepEqual(wordsToAddress(words), { address: 'fe80::1%77', port: 5, family: 'IPv6' });
  assert.ok(addressToWords('fe80::1%no-such-interface', 5, words));
  assert.equal(words[ADDRESS.scope], 0);
  assert.equal(socketAddress('FE80::0:1%eth0', 5)?.address, 'fe80::1%eth0');
  assert.equal(socketAddress('fe80::1%', 5), undefined);
  const first = own[0];
  if (first === undefined || process.platform === 'win32') {
    context.diagnostic('this machine has no link-local address: names of zones not tried');
    return;
  }
  assert.ok(addressToWords(`fe80::1%${first.name}`, 5, words));
  assert.equal(words[ADDRESS.scope], (first.info as { scopeid: number }).scopeid);
  assert.equal(wordsToAddress(words)?.address, `fe80::1%${first.name}`);
});

test('addresses are equal when address and port are', () => {
  const one = socketAddress('192.0.2.1', 443)!;
  assert.ok(sameSocketAddress(one, one));
  assert.ok(sameSocketAddress(one, socketAddress('::ffff:192.0.2.1', 443)!));
  assert.ok(!sameSocketAddress(one, socketAddress('192.0.2.1', 444)!));
  assert.ok(!sameSocketAddress(one, socketAddress('192.0.2.2', 443)!));
});

test('the cache gives the same object for the same record and never the wrong one', () => {
  const cache = new AddressCache();
  const known = new Map<string, object>();
  let repeated = 0;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000 }), fc.integer({ min: 1, max: 2 }), (host, number) => {
      const words = new Uint32Array(ADDRESS.size + 2);
      const address = host % 2 === 0 ? `10.0.${host >> 8}.${host & 255}` : `2001:db8::${(host + 1).toString(16)}`;
      addressToWords(address, number, words, 2);
      const found = cache.get(words, 2);
      assert.deepEqual(found, socketAddress(address, number));
      assert.equal(cache.get(words, 2), found);
      if (known.get(`${address} ${number}`) === found) repeated++;
      known.set(`${address} ${number}`, found!);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(repeated > 0);
  assert.equal(cache.get(new Uint32Array(7)), undefined);
});

test('a few hundred remotes fit into the cache', () => {
  const cache = new AddressCache();
  const records = Array.from({ length: 200 }, (_, host) => {
    const words = new Uint32Array(ADDRESS.size);
    addressToWords(`192.0.2.${host}`, 4433, words);
    return words;
  });
  const first = records.map((words) => cache.get(words));
  const again = records.filter((words, index) => cache.get(words) === first[index]).length;
  assert.ok(again > 150, `${again} of 200 remembered`);
});

test('senders become records, one after another', () => {
  const remotes = new RemoteWords();
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.oneof(fc.ipV4(), ipv6, fc.constant('?')), port), { maxLength: 8 }), (senders) => {
      for (const [address, number] of senders.flatMap((sender) => [sender, sender])) {
        const words = remotes.get(address, number);
        assert.deepEqual(words && wordsToAddress(words), socketAddress(address, number));
      }
    }),
  );
});

test('text is what node:net makes of the same address', () => {
  fc.assert(
    fc.property(fc.ipV6(), port, (address, number) => {
      const words = new Uint32Array(7);
      addressToWords(address, number, words);
      const ours = wordsToAddress(words)!;
      const nodes = new NodeSocketAddress({
        address: ours.address,
        family: ours.address.includes(':') ? 'ipv6' : 'ipv4',
      });
      assert.equal(socketAddress(nodes.address, number)?.address, ours.address);
    }),
  );
});
