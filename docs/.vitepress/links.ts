/**
 * Links between Markdown files, made links between pages of the site.
 *
 * In: relative links as they work in the repository, `../SECURITY.md#tokens`.  Out: `/security.html#tokens`.
 * A link to a file that is no page leads to the public repository if package.json names one; else its text
 * stands alone.
 */
import { relative, sep } from 'node:path';
import { isPage, routeOf, targetOf } from './site.ts';

interface Token {
  type: string;
  children: Token[] | null;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
}

interface State {
  tokens: Token[];
  env: { path: string; realPath?: string };
}

interface Markdown {
  core: { ruler: { push(name: string, rule: (state: State) => void): void } };
}

/**
 * @param root the repository's folder. @param files address of the public repository's files, without a slash
 * at its end.
 */
export const links =
  (root: string, files: string | undefined) =>
  (md: Markdown): void => {
    md.core.ruler.push('runlet-links', ({ tokens, env }) => {
      const file = relative(root, env.realPath ?? env.path).replaceAll(sep, '/');
      for (const token of tokens) if (token.children) token.children = rewritten(token.children, file, files);
    });
  };

function rewritten(tokens: Token[], file: string, files: string | undefined): Token[] {
  const kept: Token[] = [];
  let withoutLink = false;
  for (const token of tokens) {
    const href = token.type === 'link_open' ? (token.attrGet('href') ?? '') : undefined;
    if (token.type === 'link_close' && withoutLink) withoutLink = false;
    else if (href === undefined || !isRelative(href)) kept.push(token);
    else {
      const address = addressOf(targetOf(file, href), files);
      withoutLink = address === undefined;
      if (withoutLink) continue;
      token.attrSet('href', `${address}${/#.*$/.exec(href)?.[0] ?? ''}`);
      kept.push(token);
    }
  }
  return kept;
}

const isRelative = (href: string): boolean => !/^(?:[a-z]+:|[#/])/i.test(href);

function addressOf(target: string, files: string | undefined): string | undefined {
  if (isPage(target)) return `/${routeOf(target).replace(/\.md$/, '.html')}`;
  if (target === 'docs/adr') return '/adr/';
  return files && `${files}/${target}`;
}
