/** Config: typed access to the fields of a layer's config, which is not trusted. */
import { malformed, refuse } from './fail.ts';
import type { Json, Layer } from './model.ts';

/** Converts `HardSigmoid` and `hardSigmoid` to `hard_sigmoid`. */
export const snakeOf = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

export class Config {
  private readonly layer: Pick<Layer, 'name'>;
  private readonly fields: Json;

  constructor(layer: Pick<Layer, 'name' | 'config'>) {
    this.layer = layer;
    this.fields = layer.config;
  }

  private wrong(key: string): never {
    throw malformed(`${key} is malformed`, `layer ${this.layer.name}`);
  }

  has = (key: string): boolean => this.fields[key] !== undefined && this.fields[key] !== null;

  number(key: string, fallback: number): number {
    const value = this.has(key) ? this.fields[key] : fallback;
    return typeof value === 'number' && Number.isFinite(value) ? value : this.wrong(key);
  }

  /** Returns a boolean; 0 and 1 are accepted too. */
  boolean(key: string, fallback: boolean): boolean {
    const value = this.has(key) ? this.fields[key] : fallback;
    if (value === 0 || value === 1) return value === 1;
    return typeof value === 'boolean' ? value : this.wrong(key);
  }

  text(key: string, fallback: string): string {
    const value = this.has(key) ? this.fields[key] : fallback;
    return typeof value === 'string' ? value : this.wrong(key);
  }

  /** Returns `count` whole numbers from 1 on; a single number is repeated. */
  lengths(key: string, count: number, fallback: number | readonly number[]): number[] {
    const value = this.has(key) ? this.fields[key] : fallback;
    const list = Array.isArray(value) ? value : new Array(count).fill(value);
    const sound = list.length === count && list.every((n) => Number.isInteger(n) && n >= 1 && n < 2 ** 24);
    return sound ? list : this.wrong(key);
  }

  /** Returns at most 8 integers of any sign. */
  integers(key: string): number[] {
    const value = this.fields[key];
    if (!Array.isArray(value) || value.length > 8 || !value.every((n) => Number.isSafeInteger(n))) return this.wrong(key);
    return value;
  }

  /** Returns [before, after] of `count` dimensions, from one number, or one or two per dimension. */
  pairs(key: string, count: number): [number, number][] {
    const value = this.fields[key];
    const list =
      Array.isArray(value) && !(count === 1 && value.length === 2 && !Array.isArray(value[0]))
        ? value
        : new Array(count).fill(value);
    if (list.length !== count) return this.wrong(key);
    return list.map((each) => {
      const [before, after] = Array.isArray(each) ? each : [each, each];
      const sound = [before, after].every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 24);
      return sound ? [before, after] : this.wrong(key);
    });
  }

  channelsLast(): void {
    const format = this.text('data_format', 'channels_last');
    if (format !== 'channels_last' && format !== 'channelsLast') refuse(`data_format ${format}: only channels_last is read`);
  }

  /** Returns the name of the activation; '' if there is none. */
  activation(): string {
    const value = this.fields.activation;
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return value;
    return refuse('an activation that is no plain name');
  }
}
