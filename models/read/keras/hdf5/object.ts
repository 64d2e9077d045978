/**
 * Objects of an HDF5 file: groups and datasets, with their messages.
 *
 * In: the address of an object header.  Out: its links, text attributes and values.  Only what h5py writes by
 * default is read: version 1 headers, groups with a B-tree and a local heap, contiguous and compact datasets
 * of little-endian floats. For newer and packed forms, the error names the form.
 * Source: HDF5 File Format Specification 3.0, sections III.A to III.E and IV.A.
 */
import { halfToFloat } from '../../half.ts';
import { type Bytes, Hdf5Error, unread } from './bytes.ts';

interface Message {
  type: number;
  at: number;
  bytes: number;
}

const dataspace = 0x01;
const linkInfo = 0x02;
const datatype = 0x03;
const layout = 0x08;
const filters = 0x0b;
const attribute = 0x0c;
const continuation = 0x10;
const symbolTable = 0x11;
const attributeInfo = 0x15;

/** Largest number of messages of one object. A choice: a group of a Keras file has a dozen. */
const maxMessages = 4096;
/** Largest depth of a B-tree. Every node except the root has at least 16 children. */
const maxLevels = 8;
const maxNameBytes = 4096;
const maxElements = 2 ** 28;

export interface Values {
  dims: number[];
  data: Float32Array;
}

/** Links of the enclosing group, and the prefix that the names of this group's children have there. */
interface Enclosing {
  links: ReadonlyMap<string, number>;
  path: string;
}

export class Hdf5Object {
  private readonly file: Bytes;
  private readonly messages: Message[];
  private readonly enclosing: Enclosing | undefined;
  private found: Map<string, number> | undefined;

  /** @param address undefined for a group that exists only as a prefix of names. */
  constructor(file: Bytes, address: number | undefined, enclosing?: Enclosing) {
    this.file = file;
    this.enclosing = enclosing;
    this.messages = address === undefined ? [] : messagesOf(file, address);
  }

  private one(type: number): Message | undefined {
    return this.messages.find((m) => m.type === type);
  }

  get isGroup(): boolean {
    if (this.one(linkInfo)) unread('its groups have the form of newer HDF5 (libver)');
    return this.one(symbolTable) !== undefined;
  }

  /** Returns the addresses of the group's children, by name. */
  links(): ReadonlyMap<string, number> {
    const table = this.one(symbolTable);
    if (!this.found) {
      this.found = new Map();
      const tree = table && this.file.address(table.at);
      const heap = table && this.file.address(table.at + 8);
      if (tree !== undefined && heap !== undefined) this.walk(tree, namesAt(this.file, heap), maxLevels, this.found);
    }
    return this.found;
  }

  /** Returns a child by name. Keras on Windows writes it into the enclosing group, as `group\child`. */
  child(name: string): Hdf5Object | undefined {
    const children: ReadonlyMap<string, number> = this.isGroup ? this.links() : new Map();
    const at = children.get(name);
    if (at !== undefined) return new Hdf5Object(this.file, at, { links: children, path: `${name}\\` });
    const { links, path } = this.enclosing ?? { links: children, path: '' };
    const [address, below] = [links.get(path + name), `${path}${name}\\`];
    const isThere = address !== undefined || [...links.keys()].some((one) => one.startsWith(below));
    return isThere ? new Hdf5Object(this.file, address, { links, path: below }) : undefined;
  }

  private walk(address: number, names: (at: number) => string, level: number, links: Map<string, number>): void {
    const { file } = this;
    file.step();
    file.signature(address, 'TREE');
    const nodeLevel = file.u8(address + 5);
    if (file.u8(address + 4) !== 0 || nodeLevel >= level) throw new Hdf5Error(`the tree at byte ${address} is not of a group`);
    for (let i = 0; i < file.u16(address + 6); i++) {
      const child = file.u64(address + 32 + 16 * i);
      if (nodeLevel > 0) this.walk(child, names, nodeLevel, links);
      else this.leaf(child, names, links);
    }
  }

  private leaf(address: number, names: (at: number) => string, links: Map<string, number>): void {
    const { file } = this;
    file.signature(address, 'SNOD');
    for (let i = 0; i < file.u16(address + 6); i++) {
      file.step();
      const at = address + 8 + 40 * i;
      // a symbolic link has no object
      if (file.u32(at + 16) !== 2) links.set(names(file.u64(at)), file.u64(at + 8));
    }
  }

  /** Returns the text of an attribute; undefined if it is absent or not text. */
  text(name: string): string | undefined {
    if (this.one(attributeInfo)) unread('its attributes have the form of newer HDF5 (libver)');
    for (const message of this.messages) {
      if (message.type !== attribute) continue;
      const value = textOf(this.file, message, name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** Reads the values of a dataset. */
  values(): Values {
    const { file } = this;
    const [space, type, place] = [this.one(dataspace), this.one(datatype), this.one(layout)];
    if (!space || !type || !place) throw new Hdf5Error('a dataset has no shape, type or layout');
    if (this.one(filters)) unread('its weights are packed');
    const dims = dimsOf(file, space.at);
    const elements = dims.reduce((a, b) => a * b, 1);
    if (!(elements <= maxElements)) throw new Hdf5Error(`a dataset of ${elements} values is too large`);
    const read = floatsOf(file, type.at);
    const bytes = placeOf(file, place.at, elements * read.bytes);
    return { dims, data: read.decode(bytes, elements) };
  }
}

function messagesOf(file: Bytes, address: number): Message[] {
  file.step();
  if (file.u8(address) !== 1) {
    if (file.part(address, 4).every((b, i) => b === 'OHDR'.charCodeAt(i)))
      unread('its objects have the form of newer HDF5 (libver)');
    throw new Hdf5Error(`there is no object at byte ${address}`);
  }
  const messages: Message[] = [];
  const blocks = [{ at: address + 16, bytes: file.u32(address + 8) }];
  for (const block of blocks) {
    const end = block.at + block.bytes;
    for (let at = block.at; at + 8 <= end; ) {
      file.step();
      const message = { type: file.u16(at), at: at + 8, bytes: file.u16(at + 2) };
      if ((file.u8(at + 4) & 2) !== 0 && message.type !== 0) unread('its types are shared between objects');
      if (messages.push(message) > maxMessages) throw new Hdf5Error('an object has too many messages');
      if (message.type === continuation) blocks.push({ at: file.u64(message.at), bytes: file.u64(message.at + 8) });
      at = message.at + message.bytes;
    }
  }
  return messages;
}

/** Returns a function that reads names in a group's local heap. */
function namesAt(file: Bytes, heap: number): (at: number) => string {
  file.signature(heap, 'HEAP');
  const segment = file.u64(heap + 24);
  return (at) => file.name(segment + at, maxNameBytes);
}

function dimsOf(file: Bytes, at: number): number[] {
  const version = file.u8(at);
  const rank = file.u8(at + 1);
  if ((version !== 1 && version !== 2) || rank > 8) throw new Hdf5Error(`a shape of version ${version} with ${rank} dimensions`);
  const start = at + (version === 1 ? 8 : 4);
  return Array.from({ length: rank }, (_, i) => file.u64(start + 8 * i));
}

/** Returns the size and the decoder of the floats that a datatype message describes. */
function floatsOf(file: Bytes, at: number): { bytes: number; decode: (bytes: Uint8Array, count: number) => Float32Array } {
  const kind = file.u8(at) & 15;
  const bytes = file.u32(at + 4);
  const exponentBits = file.u8(at + 13);
  const bigEndian = (file.u8(at + 1) & 65) !== 0;
  const form = bigEndian || kind !== 1 ? '' : `${bytes}:${exponentBits}`;
  const get: Record<string, (view: DataView, at: number) => number> = {
    '4:8': (view, i) => view.getFloat32(i, true),
    '8:11': (view, i) => view.getFloat64(i, true),
    '2:5': (view, i) => halfToFloat(view.getUint16(i, true)),
  };
  const one = get[form] ?? unread('a weight is not a little-endian float of 16, 32 or 64 bits');
  const decode = (data: Uint8Array, count: number): Float32Array => {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    return Float32Array.from({ length: count }, (_, i) => one(view, i * bytes));
  };
  return { bytes, decode };
}

/** Returns the bytes that a layout message locates. */
function placeOf(file: Bytes, at: number, wanted: number): Uint8Array {
  const [version, kind] = [file.u8(at), file.u8(at + 1)];
  if (version !== 3 || kind > 1) return unread(kind === 2 ? 'its weights are in chunks' : `a layout of version ${version}`);
  const [from, stored] = kind === 0 ? [at + 4, file.u16(at + 2)] : [file.address(at + 2), file.u64(at + 10)];
  if (stored !== wanted) throw new Hdf5Error(`a dataset has ${stored} bytes, ${wanted} are needed`);
  return from === undefined ? unread('a weight was never written') : file.part(from, stored);
}

const padded = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

/** Returns the text of an attribute message if the attribute has the name `wanted`. */
function textOf(file: Bytes, { at, bytes }: Message, wanted: string): string | undefined {
  const version = file.u8(at);
  if (version < 1 || version > 3) throw new Hdf5Error(`an attribute of version ${version}`);
  const [nameBytes, typeBytes, spaceBytes] = [file.u16(at + 2), file.u16(at + 4), file.u16(at + 6)];
  const start = at + (version === 3 ? 9 : 8);
  const by = version === 1 ? 8 : 1;
  if (nameBytes - 1 !== wanted.length || file.name(start, nameBytes + 1) !== wanted) return undefined;
  const type = start + padded(nameBytes, by);
  const data = type + padded(typeBytes, by) + padded(spaceBytes, by);
  if (data > at + bytes) throw new Hdf5Error(`attribute ${wanted} is longer than its message`);
  const kind = file.u8(type) & 15;
  if (kind === 3) return file.text(data, file.u32(type + 4)).replace(/\0+$/, '');
  if (kind !== 9 || (file.u8(type + 1) & 15) !== 1) return undefined;
  return heapText(file, file.u64(data + 4), file.u32(data + 12), file.u32(data));
}

/** Reads a text from a global heap collection. */
function heapText(file: Bytes, address: number, index: number, length: number): string {
  file.signature(address, 'GCOL');
  const end = address + file.u64(address + 8);
  for (let at = address + 16; at + 16 <= end; ) {
    file.step();
    const bytes = file.u64(at + 8);
    const objectIndex = file.u16(at);
    if (objectIndex === index) return file.text(at + 16, Math.min(length, bytes));
    if (objectIndex === 0) break;
    at += 16 + padded(bytes, 8);
  }
  throw new Hdf5Error(`text ${index} is not in its heap`);
}
