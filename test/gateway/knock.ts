/**
 * Sends requests to the app behind its door, without a socket.
 *
 * In: an app, a door.  Out: a function that answers a request as the gateway does. Its Host header is this
 * machine unless the request has another.
 */
import type { Hono } from 'hono';
import type { Door } from '../../host/gateway/http/door.ts';
import { problemOf } from '../../host/gateway/http/problem.ts';

export const knocker =
  (app: Hono, door: Door) =>
  async (target: string, { method = 'GET', headers, ...init }: RequestInit = {}): Promise<Response> => {
    const allHeaders = { host: '127.0.0.1', ...Object.fromEntries(new Headers(headers)) };
    try {
      const { url } = door.admit({ method, target, headers: allHeaders, hosts: 1, address: '127.0.0.1', secure: false });
      return await app.request(`${url.pathname}${url.search}`, { method, headers, ...init });
    } catch (error) {
      const { status, fields, body } = problemOf(error);
      return Response.json(body, { status, headers: fields });
    }
  };
