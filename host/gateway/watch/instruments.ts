/**
 * Instruments of Prometheus in one registry, each with the prefix `runlet_`.
 *
 * In: a registry.  Out: functions that register a counter, a histogram, a gauge or a counter that somebody
 * else counts. Gauges and the latter are read when somebody asks for the metrics, and cost nothing before.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Values of one metric, each with its labels. */
type Values = [labels: object, value: number][];

export interface Instruments {
  counter<T extends string>(name: string, help: string, ...labelNames: T[]): Counter<T>;
  /** @param buckets upper bounds of the buckets, in the unit of the name */
  histogram<T extends string>(name: string, help: string, buckets: number[], ...labelNames: T[]): Histogram<T>;
  /** @param read sets the value for each set of labels */
  gauge(name: string, help: string, labelNames: string[], read: (set: (labels: object, value: number) => void) => void): void;
  /** A counter that somebody else counts. @param read its values since the start */
  counted(name: string, help: string, labelNames: string[], read: () => Values): void;
}

export function instrumentsOf(registry: Registry): Instruments {
  const registers = [registry];
  return {
    counter: (name, help, ...labelNames) => new Counter({ name: `runlet_${name}`, help, labelNames, registers }),
    histogram: (name, help, buckets, ...labelNames) =>
      new Histogram({ name: `runlet_${name}`, help, labelNames, buckets, registers }),
    gauge(name, help, labelNames, read) {
      new Gauge({
        name: `runlet_${name}`,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          read((labels, value) => this.set(labels as Record<string, string>, value));
        },
      });
    },
    counted(name, help, labelNames, read) {
      new Counter({
        name: `runlet_${name}`,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          for (const [labels, value] of read()) this.inc(labels as Record<string, string>, value);
        },
      });
    },
  };
}
