/**
 * Prometheus instruments in one registry, all with the prefix `runlet_`.
 *
 * In: a registry.  Out: functions that register a counter, a histogram, a gauge, or a counter whose value is
 * counted elsewhere. The last two are read only when the metrics are requested, and cost nothing before.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Values of one metric, each with its labels. */
type Values = [labels: object, value: number][];

export interface Instruments {
  counter<T extends string>(name: string, help: string, ...labelNames: T[]): Counter<T>;
  /** Registers a histogram. @param buckets upper bounds of the buckets, in the unit of the name. */
  histogram<T extends string>(name: string, help: string, buckets: number[], ...labelNames: T[]): Histogram<T>;
  /** Registers a gauge. @param read returns the current values. */
  gauge(name: string, help: string, labelNames: string[], read: () => Values): void;
  /** Registers a counter that is counted elsewhere. @param read returns the values since the start. */
  counted(name: string, help: string, labelNames: string[], read: () => Values): void;
}

export function instrumentsOf(registry: Registry): Instruments {
  const registers = [registry];
  /** Returns the configuration of a metric that takes its values from `read`, at every request. */
  const collected = (
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
      const gauge: Gauge = new Gauge(collected(name, help, labelNames, read, (labels, value) => gauge.set(labels, value)));
    },
    counted: (name, help, labelNames, read) => {
      const counter: Counter = new Counter(
        collected(name, help, labelNames, read, (labels, value) => counter.inc(labels, value)),
      );
    },
  };
}
