/**
 * Checks the links of the built site: each target file exists and has an element with the id behind `#`.
 *
 * In: the site's folder and the base of its addresses.  Out: the broken links, with their pages.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Returns the ids of a page's elements, and the targets of its links. */
function linksOf(html: string): { ids: Set<string>; hrefs: string[] } {
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id as string));
  return { ids, hrefs: [...html.matchAll(/<a [^>]*?href="([^"]+)"/g)].map(([, href]) => href as string) };
}

/** Returns the broken links. @param base first part of all addresses, `/` or `/runlet/` */
export function brokenLinks(site: string, base: string): string[] {
  const files = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));
  const pages = new Map(files.map((file) => [file.replaceAll('\\', '/'), linksOf(readFileSync(join(site, file), 'utf8'))]));
  const broken: string[] = [];
  for (const [file, { hrefs }] of pages)
    for (const href of hrefs) {
      if (/^[a-z]+:/i.test(href)) continue;
      const [path = '', hash] = href.split('#');
      const address = path.startsWith(base) ? path.slice(base.length) : posix.join(posix.dirname(file), path);
      const target =
        path === '' ? file : [address, `${address}.html`, posix.join(address, 'index.html')].find((name) => pages.has(name));
      const wrong = target ? hash && !pages.get(target)?.ids.has(decodeURIComponent(hash)) : !existsSync(join(site, address));
      if (wrong) broken.push(`${file}: ${href}`);
    }
  return broken;
}
