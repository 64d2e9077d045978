/**
 * Certificate authorities for tests, and certificates that they sign: for servers at 127.0.0.1 and localhost,
 * for clients, and expired ones.
 *
 * In: a name.  Out: PEM, P-256.
 */
import { generate } from 'selfsigned';

export interface Pair {
  cert: string;
  key: string;
}

export interface Authority extends Pair {
  server(options?: Validity & { names?: string[] }): Promise<Pair>;
  client(options?: Validity): Promise<Pair>;
}

interface Validity {
  /** Start of the validity, in days from now. */
  fromDays?: number;
  toDays?: number;
}

const day = (days: number): Date => new Date(Date.now() + 86_400_000 * days);
const dates = ({ fromDays = -1, toDays = 10 }: Validity) => ({ notBeforeDate: day(fromDays), notAfterDate: day(toDays) });
const made = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
const named = (name: string) => [{ name: 'commonName', value: name }];
const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name);

export async function authority(name: string): Promise<Authority> {
  const { cert, private: key } = await generate(named(name), {
    ...made,
    ...dates({ fromDays: -100, toDays: 100 }),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  type Usage = { serverAuth: true } | { clientAuth: true };
  const sign = async (subject: string, usage: Usage, names: string[], validity: Validity): Promise<Pair> => {
    const altNames = names.map((one) => (isAddress(one) ? { type: 7 as const, ip: one } : { type: 2 as const, value: one }));
    const signed = await generate(named(subject), {
      ...made,
      ...dates(validity),
      ca: { key, cert },
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', ...usage },
        ...(altNames.length > 0 ? [{ name: 'subjectAltName' as const, altNames }] : []),
      ],
    });
    return { cert: signed.cert, key: signed.private };
  };
  return {
    cert,
    key,
    server: ({ names = ['127.0.0.1', 'localhost'], ...validity } = {}) => sign('gateway', { serverAuth: true }, names, validity),
    client: (validity = {}) => sign('client', { clientAuth: true }, [], validity),
  };
}
