/**
 * A gateway's page on a server of its own, and a browser to look at it.
 *
 * In: a gateway, its intake, wires, a door.  Out: the server, the browser if there is one, and the end of
 * all of it.
 */
import { pino } from 'pino';
import { type Browser, chromium } from 'playwright-core';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import type { Door } from '../../host/gateway/http/door.ts';
import { type Served, serve } from '../../host/gateway/http/serve.ts';
import type { BoardOptions } from '../../host/gateway/page/board.ts';
import { addPage } from '../../host/gateway/page/page.ts';
import { Tracker } from '../../host/gateway/watch/tracker.ts';
import { chromiumPath, flags } from './page.ts';

export interface ServedPage {
  served: Served;
  browser?: Browser;
  close(): Promise<void>;
}

export async function servePage(options: Omit<BoardOptions, 'tracker'>, door: Door): Promise<ServedPage> {
  const { gateway, intake } = options;
  const tracker = new Tracker(gateway);
  const { app, uploads } = gatewayApp({ gateway, log: pino({ level: 'silent' }) });
  addPage(app, { ...options, tracker });
  const served = await serve({ app, door, host: '127.0.0.1', port: 0 });
  const browser = chromiumPath ? await chromium.launch({ executablePath: chromiumPath, args: flags }) : undefined;
  const close = async () => {
    await browser?.close();
    await served.stop();
    await uploads.close();
    tracker.close();
    intake.close();
    await gateway.close();
  };
  return { served, ...(browser && { browser }), close };
}
