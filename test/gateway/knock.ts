/**
 * The app behind its door, without a socket between.
 *
 * In: an app, a door.  Out: what answers a request as the gateway would; the request says the Host of this
 * machine unless it says another.
 */
import type { Hono } from 'hono';
import type { Door } from '../../host/gateway/http/door.ts';
import { problemOf } from '../../host/gateway/http/problem.ts';

export const knocker =
  (app: Hono, door: Door) =>
  async (target: string, { method = 'GET', headers, ...init }: RequestInit = {}): Promise<Response> => {
    const said = { host: '127.0.0.1', ...Object.fromEntries(new Headers(headers)) };
    try {
      const { url } = door.admit({ method, target, headers: said, hosts: 1, address: '127.0.0.1', secure: false });
      return await app.request(`${url.pathname}${url.search}`, { method, headers, ...init });
    } catch (error) {
      const { status, fields, body } = problemOf(error);
      return Response.json(body, { status, headers: fields });
    }
  };
