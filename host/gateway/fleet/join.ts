/**
 * Joins a gateway to a fleet: connects an agent with the broker and the sources of bundles.
 *
 * In: a Gateway, its disk, the site's address, this gateway's name.  Out: the agent, and a function that
 * leaves the fleet.  Errors: RN852. Without the broker the gateway continues to run. When the broker is back,
 * the gateway gets its desired state.
 */
import { RunletError } from '../../../models/error.ts';
import type { Gateway } from '../gateway.ts';
import { asFailure } from '../hub/slot.ts';
import type { Log } from '../mqtt/seldom.ts';
import type { Disk } from '../store/disk.ts';
import { gatewayName, siteAddress } from './address.ts';
import { Agent } from './agent.ts';
import type { Link, LinkOptions } from './link.ts';
import { fleetMemory } from './memory.ts';
import { type BundleRef, encode, topics } from './messages.ts';
import { hostOf, ociReference, pullBundle, registryHosts } from './oci.ts';
import { openLink } from './open-link.ts';

export interface FleetOptions extends Pick<LinkOptions, 'password' | 'creds' | 'tls'> {
  /** mqtt://broker/site or nats://server/site */
  fleet: string;
  /** Name in the fleet; by default the machine's. */
  id?: string;
  disk: Disk;
  /**
   * Hosts, separated by commas. oci:// bundles come only from the first, which may redirect only to the
   * others. If undefined, no oci:// bundle is accepted.
   */
  registry?: string;
  /** Token that is sent only to the first host. */
  registryToken?: string;
  fetchSeconds?: number;
  log?: Log;
}

/** Joins the fleet. @throws RN852 */
export async function joinFleet(gateway: Gateway, options: FleetOptions): Promise<{ agent: Agent; close(): Promise<void> }> {
  const { disk, registry, registryToken, fetchSeconds = 60, log } = options;
  const address = siteAddress(options.fleet, '--fleet');
  const { site, kind } = address;
  const id = gatewayName(kind, options.id);
  const hosts = registry === undefined ? undefined : registryHosts(registry);
  const desired = topics.desired(site, id);
  const reported = topics.reported(site, id);
  const gone = encode({ fleet: 2, gateway: id, online: false });

  const fetchBundle = ({ at, digest }: BundleRef, signal: AbortSignal): Promise<Uint8Array> => {
    const { maxBytes } = gateway.policy;
    const timeoutMs = 1000 * fetchSeconds;
    if (at === 'message')
      return link.fetch(topics.bundle(site, digest), Math.min(link.maxBundleBytes, maxBytes), timeoutMs, signal);
    const reference = ociReference(at);
    if (hostOf(reference.registry) !== hosts?.[0])
      throw new RunletError('RN854', {
        what: 'this gateway does not accept bundles from this registry',
        where: reference.registry,
        why: hosts ? `its registry is ${hosts[0]}` : 'it has no --registry, so it accepts no oci:// bundles',
        tryThis: 'start the gateway with --registry HOST',
      });
    return pullBundle(reference, { maxBytes, timeoutMs, signal, hosts, credentials: registryToken });
  };

  const agent = await Agent.begin({
    gateway,
    site,
    id,
    memory: fleetMemory(disk, (error) => log?.({ ...asFailure(error) }, 'memory')),
    report: (report) => link.retain(reported, encode(report), { contentType: 'application/json' }),
    fetch: fetchBundle,
    log,
  });
  const link: Link = await openLink({
    ...address,
    clientId: `runlet-${site}-${id}`,
    will: { topic: reported, payload: gone },
    password: options.password,
    creds: options.creds,
    tls: options.tls,
    log: (why) => log?.({ why }, 'broker'),
    connected: () => {
      log?.({ protocol: link.protocol }, 'broker: connected');
      link.subscribe(desired, reported).catch((error: Error) => log?.({ why: error.message }, 'broker'));
      agent.report();
    },
  });
  const goneText = new TextDecoder().decode(gone);
  link.listen((topic, payload) => {
    if (topic === desired) agent.take(payload);
    // the will of a lost connection may arrive after the first report of this one
    else if (topic === reported && new TextDecoder().decode(payload) === goneText && !leaving) agent.report();
  });
  let leaving = false;
  agent.resume();
  return {
    agent,
    close: async () => {
      leaving = true;
      await agent.close();
      link.retain(reported, gone);
      await link.close();
    },
  };
}
