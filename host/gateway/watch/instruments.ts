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
  /** @param read its values now */
  gauge(name: string, help: string, labelNames: string[], read: () => Values): void;
  /** A counter that somebody else counts. @param read its values since the start */
  counted(name: string, help: string, labelNames: string[], read: () => Values): void;
}

export function instrumentsOf(registry: Registry): Instruments {
  const registers = [registry];
  /** A metric that has its values from `read`, and from nothing before. */
  const renewed = (
    name: string,
    help: string,
    labelNames: string[],
    read: () => Values,
    put: (labels: Record<string, string>, value: number) => void,
  ) => ({
    name: `runlet_${name}`,
    help,
    labelNames,
    registers,
    collect(this: { reset(): void }) {
      this.reset();
      for (const [labels, value] of read()) put(labels as Record<string, string>, value);
    },
  });
  return {
    counter: (name, help, ...labelNames) => new Counter({ name: `runlet_${name}`, help, labelNames, registers }),
    histogram: (name, help, buckets, ...labelNames) =>
      new Histogram({ name: `runlet_${name}`, help, labelNames, buckets, registers }),
    gauge: (name, help, labelNames, read) => {
      const gauge: Gauge = new Gauge(renewed(name, help, labelNames, read, (labels, value) => gauge.set(labels, value)));
    },
    counted: (name, help, labelNames, read) => {
      const counter: Counter = new Counter(renewed(name, help, labelNames, read, (labels, value) => counter.inc(labels, value)));
    },
  };
}
