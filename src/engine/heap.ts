/** The heap: blocks of one growable WebAssembly memory. */
import { OutOfMemoryError, ScopeError } from '../errors.js';

/** What is used of a `WebAssembly.Memory`: named here for projects that lack the types of browsers. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** A `WebAssembly.Module`, for the same reason: it is only handed on. */
export type WasmModule = object;

/** Anything that lies on the heap: what kernels take where C would take a pointer. */
export interface HeapArray {
  /** Byte offset of the first element. Throws a ScopeError after the memory was given back. */
  readonly pointer: number;
  /** The heap that it lies on: kernels of another engine cannot reach it. */
  readonly heap: Heap;
}

const pageBytes = 65536;
/** WebAssembly addresses 32 bits: 4 GiB, less the last page so that offsets stay below 2^32. */
const largestHeap = 65535 * pageBytes;
/** Grow by an eighth of the heap, at least this much, so that growing stays rare. */
const smallestGrowth = 16 * 1024 * 1024;
/** The kernels' own static data lies below; pointer 0 is never handed out. */
const firstByte = 65536;

/** A block of the heap. Tensors that are views of each other share one. */
export class Storage implements HeapArray {
  readonly bytes: number;
  readonly heap: Heap;
  /** Of the block itself; a Tensor adds its own offset. */
  readonly #start: number;
  #freed = false;

  constructor(heap: Heap, start: number, bytes: number) {
    this.heap = heap;
    this.#start = start;
    this.bytes = bytes;
  }

  get pointer(): number {
    if (this.#freed) {
      throw new ScopeError(
        'a tensor was used after its scope had closed: call keep() on what outlives the scope',
      );
    }
    return this.#start;
  }

  get freed(): boolean {
    return this.#freed;
  }

  /** Marks the block as given back; the heap calls this. */
  retire(): void {
    this.#freed = true;
  }
}

/** A stretch of memory that no block takes. */
interface Gap {
  start: number;
  bytes: number;
}

/**
 * Blocks on one growable WebAssembly memory. Sizes are rounded up to classes (at most an eighth
 * larger) and freed blocks wait in the free list of their class: a training step that allocates
 * the same sizes again and again takes the same blocks again and again.
 *
 * Before the memory grows, freed blocks that lie side by side are merged into gaps, and new blocks
 * are cut from these: a batch of another length finds room where the last one was.
 */
export class Heap {
  readonly memory: WasmMemory;
  readonly #free = new Map<number, number[]>();
  /** What merging left, by address; none of them touches another one. */
  #gaps: Gap[] = [];
  /** First byte behind all blocks and gaps. */
  #end = firstByte;
  #used = 0;
  readonly #limit: number;

  /**
   * @param limit most bytes the heap may grow to; for tests of running out.
   * @param shared whether other threads see the memory, too. Views are then over a SharedArrayBuffer,
   * which TextDecoder, structuredClone, crypto and WebGL refuse: hand them copies.
   */
  constructor(limit: number = largestHeap, shared = false) {
    this.memory = reserve(largestHeap, shared);
    this.#limit = Math.min(limit, largestHeap);
  }

  /** Bytes in live blocks. */
  get usedBytes(): number {
    return this.#used;
  }

  /** Bytes that the WebAssembly memory has grown to. */
  get reservedBytes(): number {
    return this.memory.buffer.byteLength;
  }

  /**
   * A block of at least `bytes` bytes, 64-byte aligned, content undefined.
   * @throws OutOfMemoryError naming what was asked for and what is in use.
   */
  allocate(bytes: number): Storage {
    const size = sizeClass(bytes);
    const pointer = this.#free.get(size)?.pop() ?? this.#cut(size) ?? this.#extend(size, bytes);
    this.#used += size;
    return new Storage(this, pointer, size);
  }

  /** @throws OutOfMemoryError when so many bytes are more than the heap can have beside what is in use. */
  requireRoom(bytes: number): void {
    if (bytes > this.#limit - firstByte - this.#used) throw this.#outOfMemory(bytes);
  }

  /** Gives a block back. Giving it back twice does nothing. */
  free(storage: Storage): void {
    if (storage.freed) return;
    const list = this.#free.get(storage.bytes);
    if (list) list.push(storage.pointer);
    else this.#free.set(storage.bytes, [storage.pointer]);
    storage.retire();
    this.#used -= storage.bytes;
  }

  /** A block behind all others, or among the freed ones where that would make the memory grow. */
  #extend(size: number, asked: number): number {
    const grown = Math.min(this.memory.buffer.byteLength, this.#limit);
    if (this.#end + size > grown && this.#freed > 0) {
      this.#merge();
      const pointer = this.#cut(size);
      if (pointer !== undefined) return pointer;
    }
    const start = this.#end;
    const end = start + size;
    if (end > this.#limit) throw this.#outOfMemory(asked);
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) {
      const wanted = Math.max(missing, smallestGrowth, this.memory.buffer.byteLength / 8);
      const room = this.#limit - this.memory.buffer.byteLength;
      const done = this.#grow(Math.max(missing, Math.min(wanted, room))) || this.#grow(missing);
      if (!done) throw this.#outOfMemory(asked);
    }
    this.#end = end;
    return start;
  }

  /** Bytes before `#end` that no block takes. */
  get #freed(): number {
    return this.#end - firstByte - this.#used;
  }

  #grow(bytes: number): boolean {
    try {
      this.memory.grow(Math.ceil(bytes / pageBytes));
      return true;
    } catch {
      return false;
    }
  }

  /** A block from the front of the first gap that is large enough. */
  #cut(size: number): number | undefined {
    const index = this.#gaps.findIndex(({ bytes }) => bytes >= size);
    const gap = this.#gaps[index];
    if (!gap) return undefined;
    const { start } = gap;
    gap.start += size;
    gap.bytes -= size;
    if (gap.bytes === 0) this.#gaps.splice(index, 1);
    return start;
  }

  /** Makes gaps of all freed blocks, as large as can be. The last one is given up to what follows. */
  #merge(): void {
    const freed = this.#gaps;
    for (const [bytes, starts] of this.#free) {
      for (const start of starts) freed.push({ start, bytes });
    }
    freed.sort((a, b) => a.start - b.start);
    this.#free.clear();
    this.#gaps = [];
    let last: Gap | undefined;
    for (const gap of freed) {
      if (last && last.start + last.bytes === gap.start) last.bytes += gap.bytes;
      else this.#gaps.push(gap);
      last = this.#gaps.at(-1);
    }
    if (last && last.start + last.bytes === this.#end) {
      this.#gaps.pop();
      this.#end = last.start;
    }
  }

  #outOfMemory(asked: number): OutOfMemoryError {
    const inUse = megabytes(this.#used);
    return new OutOfMemoryError(
      asked,
      `cannot allocate ${megabytes(asked)}: ${inUse} of at most ${megabytes(this.#limit)} are in use. ` +
        'Use a smaller batch or model, or close scopes that are no longer needed.',
    );
  }
}

/** A memory that may grow to `maximum` bytes, or to what a small device lets a page reserve. */
function reserve(maximum: number, shared: boolean): WasmMemory {
  try {
    return new WebAssembly.Memory({ initial: 2, maximum: Math.floor(maximum / pageBytes), shared });
  } catch (error) {
    if (maximum < smallestGrowth) throw error;
    return reserve(maximum / 2, shared);
  }
}

/** Rounds up to a multiple of an eighth of the next lower power of two, at least 64. */
function sizeClass(bytes: number): number {
  const step = Math.max(64, 2 ** (Math.floor(Math.log2(Math.max(bytes, 1))) - 3));
  return Math.max(64, Math.ceil(bytes / step) * step);
}

function megabytes(bytes: number): string {
  return `${bytes.toLocaleString('en')} bytes (${(bytes / 2 ** 20).toFixed(1)} MiB)`;
}
