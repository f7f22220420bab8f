/** The page that lists a folder. */

import type { Entry } from './folder.js';
import { formatBytes } from '../format.js';

const STYLE =
  'body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color-scheme:light dark}' +
  'table{border-collapse:collapse;width:100%}td{padding:.15rem .5rem}td+td{text-align:right;white-space:nowrap}a{text-decoration:none}';

/** Nothing but its own style: names of files are text of strangers. */
export const LISTING_POLICY = "default-src 'none'; style-src 'unsafe-inline'";

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

function row(name: string, { isFolder, size, modified }: Entry): string {
  const suffix = isFolder ? '/' : '';
  const link = `<a href="./${escape(encodeURIComponent(name))}${suffix}">${escape(name)}${suffix}</a>`;
  const when = modified.toISOString().slice(0, 16).replace('T', ' ');
  return `<tr><td>${link}</td><td>${isFolder ? '' : formatBytes(size)}</td><td>${when}</td></tr>`;
}

export function listing(names: readonly string[], entries: readonly Entry[], isAll: boolean): string {
  const title = escape(`/${names.map((name) => `${name}/`).join('')}`);
  const up = names.length === 0 ? '' : '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n';
  const rows = entries.map((entry) => row(entry.name, entry)).join('\n');
  const rest = isAll ? '' : `<p>Only the first ${entries.length} are listed.</p>\n`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
<h1>${title}</h1>
<table>
${up}${rows}
</table>
${rest}</html>
`;
}
