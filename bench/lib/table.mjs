// Tables for people: one row for each side, one column for each measured number.

function digits(value) {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

function heading(key, unit) {
  const many = unit === 'MiB' ? 'MiB' : `${unit}s`;
  if (key === 'perSecond') return `${many}/s`;
  if (key === 'cpuMsPerUnit') return `CPU ms/${unit}`;
  return key
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .replace(/\b(cpu|rss|mtu)\b/g, (word) => word.toUpperCase());
}

/** Markdown, with the columns in line. */
export function formatSides({ medians, unit }) {
  const keys = [...new Set(Object.values(medians).flatMap((row) => Object.keys(row)))];
  const rows = [
    ['', ...keys.map((key) => heading(key, unit))],
    ...Object.entries(medians).map(([side, row]) => [side, ...keys.map((key) => digits(row[key]))]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join('\n');
}

/** Each with the lowest and the highest of the rounds, and its target. */
export function formatResults({ results }) {
  return results
    .map(({ label, value, each, atLeast, atMost, met }) => {
      const notes = [];
      if (each.length > 1) notes.push(`${digits(Math.min(...each))} to ${digits(Math.max(...each))}`);
      if (met !== undefined)
        notes.push(`target: ${atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`}`);
      const shown = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
      return `  ${label}: ${digits(value)}${shown}${met === undefined ? '' : met ? ' met' : ' MISSED'}`;
    })
    .join('\n');
}
