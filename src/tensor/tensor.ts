/** The tensor: a shape and an element type over a block of the heap. */
import type { FloatDType } from '../engine/blas.js';
import { engine } from '../engine/engine.js';
import type { Heap, HeapArray, Storage } from '../engine/heap.js';
import { DTypeError, ShapeError } from '../errors.js';
import { elementCount, showShape } from './shape.js';

/** Element types: `f32` to train, `f64` to check, `i32` for words and other indices, `u8` for masks. */
export type DType = FloatDType | 'i32' | 'u8';

/** A host array of some element type. */
export type HostArray = Float32Array | Float64Array | Int32Array | Uint8Array;

const views = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u8: Uint8Array } as const;

/** Bytes of one element. */
export function bytesOf(dtype: DType): number {
  return views[dtype].BYTES_PER_ELEMENT;
}

/**
 * A dense, row-major array on the engine's heap: an element type, a shape, and where its first
 * element lies. Immutable by convention: operations return new tensors.
 */
export class Tensor implements HeapArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The block of memory; views share it. */
  readonly storage: Storage;
  /** Bytes from the start of the storage. */
  readonly #offset: number;

  /** Use `tensor()`, `zeros()` and the like; this only describes memory that is there already. */
  constructor(dtype: DType, shape: readonly number[], storage: Storage, offset = 0) {
    this.dtype = dtype;
    this.shape = shape;
    this.storage = storage;
    this.#offset = offset;
  }

  /** A tensor of raw little-endian bytes, as files hold them. Any alignment. */
  static fromBytes(dtype: DType, shape: readonly number[], bytes: Uint8Array): Tensor {
    return empty(dtype, shape).assignBytes(bytes);
  }

  /** Number of elements. */
  get size(): number {
    return elementCount(this.shape);
  }

  /** Byte offset on the heap. @throws ScopeError after the memory was given back. */
  get pointer(): number {
    return this.storage.pointer + this.#offset;
  }

  /** The heap that the elements lie on. */
  get heap(): Heap {
    return this.storage.heap;
  }

  /** The element type as one that has arithmetic. @throws DTypeError for `i32` and `u8`. */
  get float(): FloatDType {
    if (this.dtype === 'f32' || this.dtype === 'f64') return this.dtype;
    throw new DTypeError(`this operation needs f32 or f64, not ${this.dtype}`);
  }

  /** The same elements in another shape. @throws ShapeError when the sizes differ. */
  view(...shape: number[]): Tensor {
    if (elementCount(shape) !== this.size) {
      throw new ShapeError(
        `cannot view ${showShape(this.shape)} as ${showShape(shape)}: ${this.size} elements against ${elementCount(shape)}`,
      );
    }
    return new Tensor(this.dtype, shape, this.storage, this.#offset);
  }

  /** Entries `start` to `end` (exclusive) along the first axis, without a copy. */
  slice(start: number, end: number): Tensor {
    const [length = 0, ...rest] = this.shape;
    const within = start >= 0 && start <= end && end <= length;
    if (this.shape.length === 0 || !within || !Number.isInteger(start) || !Number.isInteger(end)) {
      throw new ShapeError(`cannot take ${start}:${end} of ${showShape(this.shape)}`);
    }
    const bytes = start * elementCount(rest) * bytesOf(this.dtype);
    return new Tensor(this.dtype, [end - start, ...rest], this.storage, this.#offset + bytes);
  }

  /** Entry `index` along the first axis, without a copy: one axis fewer. */
  at(index: number): Tensor {
    return this.slice(index, index + 1).view(...this.shape.slice(1));
  }

  /** The elements, copied out. The one step that a GPU engine would have to wait for. */
  async data(): Promise<HostArray> {
    return this.dataSync();
  }

  /** The elements, copied out at once: possible because WebAssembly's memory is the host's. */
  dataSync(): HostArray {
    return this.#host().slice();
  }

  /** The only element. @throws ShapeError when there is not exactly one. */
  item(): number {
    const [value] = this.#host();
    if (this.size !== 1 || value === undefined) {
      throw new ShapeError(
        `item() needs one element, not the ${this.size} of ${showShape(this.shape)}`,
      );
    }
    return value;
  }

  /** Overwrites the elements: for parameters and buffers. @throws ShapeError when the sizes differ. */
  assign(values: ArrayLike<number>): this {
    if (values.length !== this.size) {
      throw new ShapeError(`${values.length} values do not fill ${showShape(this.shape)}`);
    }
    this.#host().set(values);
    return this;
  }

  /** Overwrites the elements with raw little-endian bytes. @throws ShapeError when the sizes differ. */
  assignBytes(bytes: Uint8Array): this {
    if (bytes.length !== this.size * bytesOf(this.dtype)) {
      throw new ShapeError(
        `${bytes.length} bytes do not fill ${this.dtype} ${showShape(this.shape)}`,
      );
    }
    new Uint8Array(this.heap.memory.buffer, this.pointer, bytes.length).set(bytes);
    return this;
  }

  /** Sets every element to `value`. */
  fill(value: number): this {
    this.#host().fill(value);
    return this;
  }

  /** Sets each element, in order, to what `value` returns for its index; `value` must make no tensors. */
  fillBy(value: (index: number) => number): this {
    const host = this.#host();
    for (let i = 0; i < host.length; i++) host[i] = value(i);
    return this;
  }

  /** A copy in memory of its own. */
  clone(): Tensor {
    const copy = empty(this.dtype, this.shape);
    copy.#host().set(this.#host());
    return copy;
  }

  /** Gives the memory back now; for tensors that no scope owns. */
  dispose(): void {
    engine().free(this.storage);
  }

  toString(): string {
    const values = [...this.#host().subarray(0, 8)].map((value) =>
      String(Number(value.toPrecision(5))),
    );
    return `${this.dtype} ${showShape(this.shape)} [${values.join(', ')}${this.size > 8 ? ', …' : ''}]`;
  }

  #host(): HostArray {
    return new views[this.dtype](this.heap.memory.buffer, this.pointer, this.size);
  }
}

/** A tensor whose content is whatever was there: for kernels that overwrite all of it. */
export function empty(dtype: DType, shape: readonly number[]): Tensor {
  for (const extent of shape) {
    if (!Number.isInteger(extent) || extent < 0) {
      throw new ShapeError(`${showShape(shape)} is no shape: every extent is an integer from 0 on`);
    }
  }
  return new Tensor(dtype, shape, engine().allocate(elementCount(shape) * bytesOf(dtype)));
}
