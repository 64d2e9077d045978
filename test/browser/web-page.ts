/**
 * The built page in headless Chromium, with a microphone that plays a WAV file.
 *
 * In: a folder for files, the microphone's WAV.  Out: an open page, its requests, and the texts that it
 * shows. The page is built once per process.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { buildWeb } from '../../scripts/web/build.ts';
import { type Served, serveFolder } from '../../scripts/web/serve.ts';
import { chromiumPath, flags } from './page.ts';

/** Encodes a 16-bit WAV from samples [frames][channels] in the range -1 to 1. */
export function wavBytes(samples: Float32Array, rateHz: number, channels = 1): Uint8Array {
  const bytes = new Uint8Array(44 + 2 * samples.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('RIFF....WAVEfmt ................data'));
  view.setUint32(4, bytes.length - 8, true);
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rateHz, true);
  view.setUint32(28, 2 * channels * rateHz, true);
  view.setUint16(32, 2 * channels, true);
  view.setUint16(34, 16, true);
  bytes.set(new TextEncoder().encode('data'), 36);
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((x, i) => {
    view.setInt16(44 + 2 * i, Math.max(-32768, Math.min(32767, Math.round(32768 * x))), true);
  });
  return bytes;
}

/** Returns bursts of gliding tones over quiet noise. */
export function sound(seconds: number, rateHz: number, channels = 1): Float32Array {
  const samples = new Float32Array(Math.round(seconds * rateHz) * channels);
  let [phase, noise] = [0, 1];
  for (let n = 0; n < samples.length / channels; n++) {
    const t = n / rateHz;
    phase += (2 * Math.PI * (300 + 900 * ((1.7 * t) % 1) + 150 * Math.floor(3 * t))) / rateHz;
    noise = (noise * 16807) % 2147483647;
    const loud = Math.sin(2 * Math.PI * 1.7 * t) > 0 ? 0.4 : 0;
    for (let c = 0; c < channels; c++)
      samples[n * channels + c] = loud * Math.sin((c + 1) * phase) + 0.004 * (noise / 2147483647 - 0.5);
  }
  return samples;
}

export class WebPage {
  readonly folder: string;
  readonly files: string[];
  readonly served: Served;
  #browser: Browser;

  private constructor(folder: string, files: string[], served: Served, browser: Browser) {
    this.folder = folder;
    this.files = files;
    this.served = served;
    this.#browser = browser;
  }

  static async open(microphone: Uint8Array): Promise<WebPage> {
    const folder = mkdtempSync(join(tmpdir(), 'runlet-web-'));
    const files = await buildWeb(join(folder, 'web'));
    const served = await serveFolder(join(folder, 'web'));
    writeFileSync(join(folder, 'microphone.wav'), microphone);
    const fake = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
    const browser = await chromium.launch({
      executablePath: chromiumPath as string,
      args: [...flags, ...fake, `--use-file-for-fake-audio-capture=${join(folder, 'microphone.wav')}`],
    });
    return new WebPage(folder, files, served, browser);
  }

  /** Writes a file that can be dropped. @returns its path */
  file(name: string, bytes: Uint8Array | string): string {
    const path = join(this.folder, name);
    writeFileSync(path, bytes);
    return path;
  }

  /**
   * Opens the page in a new browser context and waits for its first model. @param before a script that runs
   * before those of the page
   */
  async visit(options: BrowserContextOptions = {}, before?: string): Promise<Visit> {
    const context = await this.#browser.newContext({ acceptDownloads: true, ...options });
    if (before) await context.addInitScript({ content: before });
    const visit = new Visit(context, await context.newPage());
    await visit.go(this.served.address);
    return visit;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.served.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Outputs {
  times: number[];
  values: number[][];
}

export class Visit {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly requests: string[] = [];
  readonly faults: string[] = [];

  constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    context.on('request', (request) => this.requests.push(request.url()));
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && this.faults.push(message.text()));
  }

  async go(address: string): Promise<void> {
    await this.page.goto(address);
    await this.source(/demo/);
  }

  /** Waits until the line next to the buttons matches. */
  async source(text: RegExp): Promise<void> {
    await this.page.waitForFunction((t) => new RegExp(t).test(document.getElementById('source')?.textContent ?? ''), text.source);
  }

  async drop(...paths: string[]): Promise<void> {
    await this.page.setInputFiles('#file', paths);
  }

  /** Waits until the model of this name runs. */
  async model(name: string): Promise<void> {
    await this.page.waitForFunction((n) => document.querySelector('#models .own b')?.textContent === n, name);
  }

  /** Runs the recording at once and waits for its end. */
  async runAtOnce(): Promise<Outputs> {
    // biome-ignore lint/suspicious/noExplicitAny: the page's own global
    const ended = () => this.page.evaluate(() => (globalThis as any).runletPage.ended as number);
    const before = await ended();
    await this.page.click('#all');
    // biome-ignore lint/suspicious/noExplicitAny: the page's own global
    await this.page.waitForFunction((n) => (globalThis as any).runletPage.ended > n, before, { timeout: 60_000 });
    return this.outputs();
  }

  outputs(): Promise<Outputs> {
    // biome-ignore lint/suspicious/noExplicitAny: the page's own global
    return this.page.evaluate(() => (globalThis as any).runletPage.outputs());
  }

  /** Returns the texts of the error panel: code, title, where, why, try. */
  async error(): Promise<Record<string, string>> {
    await this.page.waitForSelector('#error:not([hidden])');
    return this.page.evaluate(() => {
      const panel = document.getElementById('error') as HTMLElement;
      const parts = [...panel.querySelectorAll('dl > div')].map((div) => [...div.children].map((c) => c.textContent ?? ''));
      const [title, code] = [panel.querySelector('h2')?.firstChild?.textContent, panel.querySelector('small')?.textContent];
      return { ...Object.fromEntries(parts), title: title ?? '', code: code ?? '' };
    });
  }

  /** Chooses a model of the zoo and waits for its recording. */
  async choose(name: string, source: RegExp): Promise<void> {
    await this.page.check(`input[name="model"][value="${name}"]`);
    // biome-ignore lint/suspicious/noExplicitAny: the page's own global
    await this.page.waitForFunction((n) => (globalThis as any).runletPage.model === n, name);
    await this.source(source);
  }

  text(selector: string): Promise<string> {
    return this.page.$eval(selector, (element) => element.textContent ?? '');
  }
}
