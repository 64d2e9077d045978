/**
 * Lets the page work without its server: caches all files at the first visit, and the compiler when fetched.
 *
 * In: the page's requests.  Out: the server's response, else the cached one.  The build (scripts/web.ts)
 * inserts `pageFiles` and `pageVersion`. Only files of the page's own origin are cached.
 */
declare const pageFiles: string[];
declare const pageVersion: string;

interface WorkerEvent extends Event {
  waitUntil(promise: Promise<unknown>): void;
}
interface FetchEvent extends WorkerEvent {
  request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Scope {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(type: 'install' | 'activate', listener: (event: WorkerEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
}
const scope = globalThis as unknown as Scope;
const store = `runlet-${pageVersion}`;

async function keep(): Promise<void> {
  await (await caches.open(store)).addAll(pageFiles);
  await scope.skipWaiting();
}

async function forget(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith('runlet-') && name !== store) await caches.delete(name);
  await scope.clients.claim();
}

async function answer(request: Request): Promise<Response> {
  try {
    const response = await fetch(request);
    // the compiler is not cached at the first visit
    if (response.ok && /\/part-[A-Z0-9]+\.js$/.test(new URL(request.url).pathname)) {
      const kept = await caches.open(store);
      if (!(await kept.match(request, { ignoreSearch: true }))) await kept.put(request, response.clone());
    }
    return response;
  } catch (error) {
    const kept = await (await caches.open(store)).match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

scope.addEventListener('install', (event) => event.waitUntil(keep()));
scope.addEventListener('activate', (event) => event.waitUntil(forget()));
scope.addEventListener('fetch', (event) => {
  if (event.request.method === 'GET' && new URL(event.request.url).origin === location.origin)
    event.respondWith(answer(event.request));
});
