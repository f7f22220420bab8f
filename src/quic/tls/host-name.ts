import { domainToASCII } from 'node:url';

const pattern = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * A host name, or `*.` and one, as it stands in certificates and in SNI: lower case, in ASCII (RFC 5890), without a
 * final dot. Undefined for everything else; IP addresses must have been told apart before.
 */
export function asciiHostName(name: string): string | undefined {
  const wildcard = name.startsWith('*.');
  const ascii = domainToASCII(wildcard ? name.slice(2) : name).replace(/\.$/, '');
  if (!pattern.test(ascii)) return undefined;
  return wildcard ? `*.${ascii}` : ascii;
}
