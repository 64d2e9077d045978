/**
 * Routes of uploads: begin, offset, piece, end, remove.
 *
 * In: requests with the headers of tus or OCI (docs/gateway.md).  Out: an upload's location and offset; after
 * the last piece, the staged bundle, or with dryRun the result of its check.
 */
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { checkName } from '../hub/names.ts';
import { badRequest, wholeNumber } from './problem.ts';
import { pieceStart, piecesOf } from './request.ts';

export function addUploadRoutes(app: Hono, gateway: Gateway): void {
  const { uploads } = gateway;
  app.post('/v1/uploads', async (c) => {
    const id = await uploads.begin(
      checkName('slot', c.req.query('slot') ?? 'main'),
      wholeNumber(c.req.header('upload-length'), 'Upload-Length'),
    );
    const location = `/v1/uploads/${id}`;
    return c.json({ location, offset: 0 }, 201, { Location: location, 'Upload-Offset': '0' });
  });
  app.get('/v1/uploads/:id', (c) => {
    const offset = uploads.offset(c.req.param('id'));
    return c.body(null, 204, { 'Upload-Offset': `${offset}`, Range: `0-${Math.max(0, offset - 1)}` });
  });
  app.patch('/v1/uploads/:id', async (c) => {
    const offset = await uploads.append(c.req.param('id'), piecesOf(c), pieceStart(c));
    return c.json({ offset }, 202, { 'Upload-Offset': `${offset}`, Range: `0-${Math.max(0, offset - 1)}` });
  });
  app.delete('/v1/uploads/:id', async (c) => {
    await uploads.remove(c.req.param('id'));
    return c.body(null, 204);
  });
  app.put('/v1/uploads/:id', async (c) => {
    const id = c.req.param('id');
    const digest = /^sha256:([0-9a-f]{64})$/.exec(c.req.query('digest') ?? '')?.[1];
    if (!digest) throw badRequest('the digest is missing', 'query, digest', 'it is sha256: and 64 lower-case hex digits');
    await uploads.append(id, piecesOf(c), pieceStart(c));
    return uploads.finish(id, async ({ slot, bytes }) => {
      if (c.req.query('dryRun') === 'true') return c.json(await gateway.examine(bytes, digest, slot));
      return c.json({ slot, staged: await gateway.receive(bytes, digest, slot) }, 201);
    });
  });
}
