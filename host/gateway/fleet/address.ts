/**
 * Addresses of sites: `mqtt://[user@]broker[:port]/site`, and `nats://[user@]server[:port]/site`.
 *
 * In: what a person typed.  Out: its parts.  Errors: RN852.
 */
import { hostname } from 'node:os';
import { RunletError } from '../../../models/error.ts';
import { isBrokerUrl } from '../mqtt/client.ts';
import { isName } from './messages.ts';

export interface SiteAddress {
  kind: 'mqtt' | 'nats';
  /** Address of the broker, without the site. */
  url: string;
  site: string;
  username?: string;
}

const natsSchemes = new Set(['nats:', 'tls:']);
/** Names that NATS accepts in the names of its streams. */
const natsNames = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;

const forms = { mqtt: 'mqtt://BROKER/SITE or mqtts://BROKER/SITE', nats: 'nats://SERVER/SITE or tls://SERVER/SITE' };
type Kind = keyof typeof forms;

/** True for a name of a site or of a gateway that a broker of this kind accepts. */
const fits = (kind: Kind, name: string): boolean => isName(name) && (kind === 'mqtt' || natsNames.test(name));

const nameRule = (kind: Kind): string =>
  kind === 'mqtt'
    ? 'it has at most 64 letters, digits, dots, dashes and underscores, and is not bundles'
    : 'over NATS, it has at most 32 letters, digits, dashes and underscores, and is not bundles';

/** Parses the value of an option. @param kinds brokers that it accepts. @throws RN852 */
export function siteAddress(text: string, option: string, kinds: readonly Kind[] = ['mqtt', 'nats']): SiteAddress {
  const wrong = (why: string): RunletError =>
    new RunletError('RN852', {
      what: 'this is not the address of a site',
      where: `${option} ${text.replace(/:[^:@/]*@/, ':…@').slice(0, 80)}`,
      why,
      tryThis: `use ${kinds.map((kind) => forms[kind]).join(', ')}`,
    });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const kind = kinds.find((one) => (one === 'mqtt' ? isBrokerUrl(text) : natsSchemes.has(url?.protocol ?? '')));
  if (!url || !kind || !url.hostname) throw wrong(`it is not ${kinds.map((one) => `${one}://BROKER/SITE`).join(' or ')}`);
  if (url.password) throw wrong('everybody on this machine can see a password on the command line; give it in a file');
  const site = url.pathname.slice(1);
  if (!site) throw wrong('the site is missing');
  if (!fits(kind, site)) throw wrong(`the site's name is not valid: ${nameRule(kind)}`);
  const username = url.username ? decodeURIComponent(url.username) : undefined;
  return { kind, url: `${url.protocol}//${url.host}`, site, ...(username && { username }) };
}

/** Name of a gateway that was given none: its machine's, in the form that the broker accepts. */
export function machineName(kind: Kind, machine = hostname()): string {
  if (kind === 'mqtt') return machine;
  const name = machine
    .replace(/[^A-Za-z0-9_-]/g, '-')
    .replace(/^[_-]+/, '')
    .slice(0, 32);
  return fits(kind, name) ? name : 'gateway';
}

/** @returns the name of a gateway, checked; by default the machine's. @throws RN852 */
export function gatewayName(kind: Kind, id = machineName(kind)): string {
  if (fits(kind, id)) return id;
  throw new RunletError('RN852', {
    what: 'this is not a valid name of a gateway',
    where: '--gateway-id',
    why: `${JSON.stringify(id.slice(0, 40))}: ${nameRule(kind)}`,
  });
}
