/**
 * Opens the link of an address. Only the client that it needs is loaded.
 */
import type { Link, LinkOptions } from './link.ts';

export async function openLink(options: LinkOptions): Promise<Link> {
  if (options.kind === 'nats') return new (await import('./nats-link.ts')).NatsLink(options);
  return new (await import('./mqtt-link.ts')).MqttLink(options);
}
