const line = (name, value) => ({ name, value });

/** Field lines of requests and responses, in turn, of someone who looks at many pages; the same at every call. */
export function headerLists(count) {
  const kinds = ['text/html; charset=utf-8', 'text/css', 'image/png', 'image/webp', 'application/json'];
  return Array.from({ length: count }, (_, number) => {
    const index = number >> 1;
    if (number % 2 === 0) {
      return [
        line(':method', index % 7 === 6 ? 'POST' : 'GET'),
        line(':scheme', 'https'),
        line(':authority', index % 3 === 0 ? 'shop.example' : 'cdn.shop.example'),
        line(':path', `/assets/${(index * 7919) % 1009}.js?v=1a2b3c`),
        line('user-agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'),
        line('accept', index % 5 === 0 ? 'text/html,application/xhtml+xml,*/*;q=0.8' : '*/*'),
        line('accept-language', 'de-CH,fr;q=0.7,en;q=0.3'),
        line('accept-encoding', 'gzip, deflate, br, zstd'),
        line('referer', `https://shop.example/${Math.floor(index / 5)}`),
        line('cookie', 'session=0mJ2aV1hZ4n7kQ8wR5tY3uI6oP9sD'),
        line('x-request-id', `${(index * 2_654_435_761) % 4_294_967_296}`),
      ];
    }
    return [
      line(':status', index % 11 === 10 ? '304' : '200'),
      line('date', `Tue, 24 Nov 2026 18:${10 + (Math.floor(index / 40) % 50)}:07 GMT`),
      line('content-type', kinds[index % kinds.length]),
      line('content-length', `${(index * 104_729) % 50_000}`),
      line('cache-control', index % 5 === 0 ? 'no-store' : 'public, max-age=31536000, immutable'),
      line('etag', `"${((index * 48_271) % 65_536).toString(16)}"`),
      line('server', 'skein'),
      line('strict-transport-security', 'max-age=63072000; includeSubDomains; preload'),
      line('x-cache', index % 4 === 0 ? 'MISS' : 'HIT'),
    ];
  });
}
