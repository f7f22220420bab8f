/** Reads the little of Markdown that this project's documents use. */

/** A fenced block. */
export interface Block {
  /** First word behind the fence. */
  readonly language: string;
  /** The rest of that line. */
  readonly info: string;
  /** With a newline at its end. */
  readonly text: string;
  /** The heading above it. */
  readonly heading: string;
}

/** Fenced blocks in order. */
export function blocks(markdown: string): Block[] {
  const found: Block[] = [];
  let heading = '';
  for (const match of markdown.matchAll(/^#+ (.*)$|^```(\w*) ?(.*)\n([\s\S]*?)^```$/gm)) {
    const [, title, language = '', info = '', text = ''] = match;
    if (title !== undefined) heading = title;
    else found.push({ language, info, text, heading });
  }
  return found;
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/^ {4}.*$/gm, '');
}

/** Targets of links inside the project. */
export function links(markdown: string): { readonly path: string; readonly anchor: string | undefined }[] {
  return [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return { path, anchor };
    });
}

/** Anchors of the headings, as hosts of Markdown make them. */
export function headings(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** Cells of all table rows, without heads. */
export function tableRows(markdown: string): string[][] {
  const lines = markdown.split('\n');
  return lines
    .filter(
      (line, index) =>
        line.startsWith('|') && !/^\|[-|: ]+\|$/.test(line) && !/^\|[-|: ]+\|$/.test(lines[index + 1] ?? ''),
    )
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(' | ')
        .map((cell) => cell.trim()),
    );
}

/** What the comments behind `console.log(...)` say that a fragment prints. */
export function expectedOutput(fragment: string): string {
  return [...fragment.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)]
    .map(([, text = '']) => `${text.replace(/:.*$/, '')}\n`)
    .join('');
}

/** The program of the README on a port of its own, since tests share the machine. */
export function onFreePort(program: string): string {
  return program
    .replace("keyPath: 'certs/key.pem'", "keyPath: 'certs/key.pem', port: 0")
    .replace("caPath: 'certs/ca.pem'", "caPath: 'certs/ca.pem', serverPort: server.address.port");
}

/**
 * What `program` has before its first stream, then the fragment, then the end of `program`. Imports of the fragment come
 * first of all.
 */
export function withPrelude(program: string, fragment: string): string {
  const begin = program.slice(0, program.indexOf('const stream ='));
  const end = program.slice(program.indexOf('await client.shutdown'));
  const imports = fragment.match(/^import .*\n/gm) ?? [];
  return `${imports.join('')}${onFreePort(begin)}{\n${fragment.replaceAll(/^import .*\n/gm, '')}}\n${end}`;
}
