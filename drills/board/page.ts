/** The page: one document with all it needs, put together from the files in `page/`. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'page');
/** In the order of their imports: what is used comes before who uses it. */
const modules = ['texts.js', 'formats.js', 'happenings.js', 'cards.js', 'panels.js', 'controls.js', 'main.js'];

export interface Page {
  readonly html: string;
  /** Allows what is in the document, by its digest, and nothing else; nothing is fetched but from this server. */
  readonly contentSecurityPolicy: string;
}

/** Reads and joins the files. */
export async function loadPage(): Promise<Page> {
  const [frame = '', style = '', ...sources] = await Promise.all(
    ['index.html', 'style.css', ...modules].map((file) => readFile(join(folder, file), 'utf8')),
  );
  const script = joinModules(sources);
  const html = frame.replace('/* style */', () => style).replace('/* script */', () => script);
  return {
    html,
    contentSecurityPolicy: [
      "default-src 'none'",
      `script-src '${digest(script)}'`,
      `style-src '${digest(style)}'`,
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}

/**
 * Modules that a document holds cannot import one another: they become one. A name is declared in one of them only,
 * or the browser refuses the whole.
 */
export function joinModules(sources: readonly string[]): string {
  return sources.map((source) => source.replaceAll(/^import [^;]*;\n/gm, '').replaceAll(/^export /gm, '')).join('\n');
}

function digest(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
