/**
 * Page: the routes of the gateway's pages, of the data of the first one and of the metrics.
 *
 * In: the app, the gateway, its counters.  Out: `/v1/board`, `/v1/cluster`, `/metrics`, and two pages: `/`,
 * and `/label`, where people label collected windows. Each is one file with its HTML, style, scripts and
 * uPlot, and loads nothing from elsewhere.
 * Rule: a page contains no secret and needs no token, but its data does. It can run only its own scripts (CSP
 * by hash).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Hono } from 'hono';
import { RunletError } from '../../../models/error.ts';
import { baseStyle } from '../../report/design/page.ts';
import { wholeNumber } from '../http/problem.ts';
import { gatewayMetrics } from '../watch/metrics.ts';
import { type BoardOptions, boardOf } from './board.ts';

const beside = (name: string): string => readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** A page: its HTML, and the style and scripts that it contains, in order. */
interface PageParts {
  html: string;
  style: string;
  scripts: readonly string[];
}
const pages: Record<string, PageParts> = {
  '/': { html: 'page.html', style: 'page.css', scripts: ['page-parts.js', 'page-plot.js', 'page-cluster.js', 'page-script.js'] },
  '/label': {
    html: 'label.html',
    style: 'label.css',
    scripts: ['page-parts.js', 'label-signal.js', 'label-sound.js', 'label-answers.js', 'label-script.js'],
  },
};

function pageHtml(page: PageParts): { html: string; policy: string } {
  const plots = createRequire(import.meta.url).resolve('uplot');
  const [uplot, plotCss] = ['uPlot.iife.min.js', 'uPlot.min.css'].map((name) =>
    readFileSync(new URL(`../dist/${name}`, `file://${plots}`), 'utf8'),
  ) as [string, string];
  const style = `${plotCss}\n${baseStyle()}${beside(page.style)}`;
  const script = page.scripts.map(beside).join('');
  const parts: Record<string, string> = { style, uplot, script };
  const html = beside(page.html).replace(/\/\*(style|uplot|script)\*\//g, (_, name: string) => parts[name] as string);
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(uplot)} ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, policy };
}

export function addPage(app: Hono, options: BoardOptions): void {
  const registry = gatewayMetrics(options);
  for (const [path, parts] of Object.entries(pages)) {
    let page: ReturnType<typeof pageHtml> | undefined;
    app.get(path, (c) => {
      page ??= pageHtml(parts);
      return c.html(page.html, 200, { 'Content-Security-Policy': page.policy });
    });
  }
  app.get('/v1/board', (c) => {
    const after = wholeNumber(c.req.query('after'), 'query, after');
    return c.json(boardOf(options, { stream: c.req.query('stream'), after, find: c.req.query('find') }));
  });
  app.get('/v1/cluster', (c) => {
    const { cluster } = options.wires;
    if (cluster) return c.json(cluster.status());
    throw new RunletError('RN848', {
      what: 'this gateway belongs to no cluster',
      where: '/v1/cluster',
      tryThis: 'start it with --cluster nats://HOST:4222/SITE',
    });
  });
  app.get('/metrics', async (c) => {
    return c.text(await registry.metrics(), 200, { 'Content-Type': registry.contentType });
  });
}
