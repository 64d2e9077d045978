/**
 * Options of `runlet gateway` for a cluster, and the way into it. The client of NATS is loaded only here.
 *
 * In: options, the intake of a gateway.  Out: a cluster that it belongs to.
 * Errors: RN720, RN740, RN852, RN866, RN921, RN922, RN923.
 */
import type { Logger } from 'pino';
import { type Given, group, input, number, text } from '../command/options.ts';
import { fileOf, tlsOf, tokenOf } from '../command/remote.ts';
import type { Cluster } from './cluster/cluster.ts';
import { gatewayName, siteAddress } from './fleet/address.ts';
import type { Intake } from './streams/intake.ts';

const whole = { min: 1, whole: true } as const;

export const clusterArgs = group('A cluster', {
  cluster: text('Share the streams of a site with other gateways, through NATS', { hint: 'nats://host/site' }),
  partitions: number('Partitions of the site, a fact of it', { ...whole, max: 1024, default: 16 }),
  leaseMs: number('Time after which the partitions of a silent gateway move', {
    ...whole,
    min: 500,
    max: 600_000,
    default: 3000,
    hint: 'ms',
  }),
  recordOutputs: number('Outputs of a stream between two stored states', { ...whole, max: 65_536, default: 16 }),
  keepHours: number('Time that frames and outputs are kept, for a new site', { min: 0.01, max: 8760, default: 24, hint: 'h' }),
  keepBytes: number('Size of the frames, and of the outputs, for a new site', {
    ...whole,
    max: 2 ** 50,
    default: 2 ** 30,
    hint: 'bytes',
  }),
  clusterToken: input('File with the password of the user in the address'),
  clusterCreds: input('Credentials for NATS (NAME.creds)'),
  clusterCa: input('CA certificate that verifies the certificate of NATS (PEM)'),
  clusterCert: input("The gateway's certificate, if NATS requires one (PEM)"),
  clusterKey: input('Its key (PEM)'),
});

type ClusterArgs = Given<typeof clusterArgs>;

/** Option of a fleet and of a cluster. */
export interface Named {
  gatewayId?: string;
}

/** Reads the files with secrets for NATS. @throws RN720, RN740, RN866 */
export async function clusterSecrets({
  clusterToken,
  clusterCreds,
  clusterCa: ca,
  clusterCert: cert,
  clusterKey: key,
}: ClusterArgs) {
  return {
    password: await tokenOf(clusterToken),
    creds: clusterCreds === undefined ? undefined : await fileOf(clusterCreds),
    tls: await tlsOf({ ca, cert, key }, 'cluster'),
  };
}

/** @throws RN720, RN740, RN852, RN866, RN921, RN922, RN923 */
export async function joinCluster(given: string, intake: Intake, args: ClusterArgs & Named, log: Logger): Promise<Cluster> {
  const { url, site, username } = siteAddress(given, '--cluster', ['nats']);
  const id = gatewayName('nats', args.gatewayId);
  const { leaseMs = 3000, partitions = 16, recordOutputs = 16, keepHours = 24, keepBytes = 2 ** 30 } = args;
  const secrets = await clusterSecrets(args);
  const [{ NatsBroker }, { Cluster }] = await Promise.all([import('./cluster/nats.ts'), import('./cluster/cluster.ts')]);
  const broker = await NatsBroker.open({ ...secrets, ...{ url, username, site, partitions, leaseMs, keepHours, keepBytes } });
  const report = (level: 'info' | 'warn' | 'error', about: object, what: string) => log[level](about, `cluster: ${what}`);
  const cluster = new Cluster(broker, intake, { id, recordOutputs, log: report });
  await cluster.join().catch(async (error: unknown) => {
    await broker.close();
    throw error;
  });
  log.info({ site, id, partitions }, 'cluster: joined');
  return cluster;
}
