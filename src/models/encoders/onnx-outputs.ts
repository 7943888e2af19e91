/** What an ONNX network gives: which outputs are a photo’s vector and its grid, and how they are read. */
import { FormatError, ValueError } from '../../errors.js';
import type { GridShape } from './grids.js';

/** One output of a run, its first axis the photos. */
export interface OnnxOutput {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** What an output tells of a photo. */
export type Form =
  /** A vector: (N, D), also with axes of one place. */
  | { readonly kind: 'vector'; readonly D: number }
  /** A vector for each place: (N, C, H, W), or (N, H, W, C). */
  | { readonly kind: 'grid'; readonly shape: GridShape; readonly channelsLast: boolean }
  /** The same as tokens (N, T, C): before the H W places stand `before` others, first the class token. */
  | { readonly kind: 'tokens'; readonly shape: GridShape; readonly before: number };

/** An output, and how it is read. */
export interface Readable {
  readonly name: string;
  readonly form: Form;
}

/** Which outputs are read. Without `pooled` the grid's class token is the vector, or else its mean. */
export interface Chosen {
  readonly pooled: Readable | undefined;
  readonly grid: Readable | undefined;
}

/** What tells how outputs are meant. */
export interface Layout {
  /** Of the photos that go in. */
  readonly width: number;
  readonly height: number;
  readonly channelsLast: boolean;
  /** Tokens between the class token and those of the places. */
  readonly registerTokens?: number | undefined;
}

/** The outputs that can be read, of all there are. */
export class Outputs {
  readonly #all: readonly OnnxOutput[];
  readonly #readable: readonly Readable[];
  readonly #source: string;

  constructor(all: readonly OnnxOutput[], layout: Layout, source: string) {
    this.#all = all;
    this.#source = source;
    this.#readable = all.flatMap(({ name, dims }) => {
      const form = formOf(dims, layout);
      return form ? [{ name, form }] : [];
    });
  }

  /**
   * The outputs to read, those that are asked for by name or else the likeliest.
   * @throws ValueError for a name that does not fit; FormatError when it is not plain which to take.
   */
  choose(asked: { readonly pooled?: string; readonly grid?: string }): Chosen {
    const grid = asked.grid === undefined ? this.#likelyGrid() : this.named(asked.grid, 'grid');
    if (asked.pooled !== undefined) return { pooled: this.named(asked.pooled, 'pooled'), grid };
    const vectors = this.#readable.filter(({ form }) => form.kind === 'vector');
    const pooled = [/pool/i, /image_embed/i].flatMap(
      (pattern) => vectors.find(({ name }) => pattern.test(name)) ?? [],
    )[0];
    if (pooled || grid) return { pooled, grid };
    const [only, ...others] = vectors;
    if (!only) throw this.none();
    if (others.length === 0) return { pooled: only, grid };
    throw new FormatError(
      this.#source,
      `has several vectors, none of them plainly the photo's: name one (--pooled-output) of ${this.#list(isVector)}`,
    );
  }

  /** An output by name. @throws ValueError naming those that would do */
  named(name: string, role: 'pooled' | 'grid'): Readable {
    const fits = role === 'pooled' ? isVector : isGrid;
    const found = this.#readable.find((output) => output.name === name);
    if (found && fits(found)) return found;
    const output = this.#all.find((other) => other.name === name);
    const what = output ? `is ${show(output)}` : 'does not exist';
    const others = this.#list(fits);
    throw new ValueError(
      `${this.#source}: output ${name}, to be the ${role === 'pooled' ? 'vector' : 'grid'}, ${what}; ${others ? `these would do: ${others}` : `no output would do${this.#hint()}`}`,
    );
  }

  /** Said when nothing can be read. */
  none(): FormatError {
    const all = this.#all.map(show).join(', ');
    return new FormatError(
      this.#source,
      `has no output that is a photo's vector (N, D), its grid (N, C, H, W) or tokens of a grid (N, T, D); it has ${all || 'none of float32 or float16 with the photos first'}${this.#hint()}`,
    );
  }

  /** The grid of the fewest places; where several have tokens for them, the last that was made. */
  #likelyGrid(): Readable | undefined {
    const grids = this.#readable.filter(isGrid).sort((a, b) => placesOf(a) - placesOf(b));
    const [first] = grids;
    if (first?.form.kind !== 'tokens') return first;
    const alike = grids.filter((grid) => placesOf(grid) === placesOf(first));
    const last = alike.find(({ name }) => /last_hidden_state/.test(name));
    if (last || alike.length === 1) return last ?? first;
    throw new FormatError(
      this.#source,
      `has several grids of tokens: name one (--grid-output) of ${this.#list(isGrid)}`,
    );
  }

  #list(fits: (output: Readable) => boolean): string {
    const names = new Set(this.#readable.filter(fits).map(({ name }) => name));
    return this.#all
      .filter(({ name }) => names.has(name))
      .map(show)
      .join(', ');
  }

  /** What to do about tokens that are no grid. */
  #hint(): string {
    const unread = this.#all.find(
      ({ name, dims }) => dims.length === 3 && !this.#readable.some((other) => other.name === name),
    );
    if (!unread) return '';
    return `: of ${unread.name} neither all ${unread.dims[1]} tokens nor all but the first are a grid of the photo's proportions; where some are register tokens, say how many (--register-tokens)`;
  }
}

/** Vectors (N, D) of an output: the class token, or the mean over the places, where it has places. */
export function vectorsOf(form: Form, data: Float32Array, N: number): Float32Array {
  if (form.kind === 'vector') return data;
  const [C, H, W] = form.shape;
  if (form.kind === 'tokens' && form.before > 0) {
    const vectors = new Float32Array(N * C);
    for (let n = 0; n < N; n++) {
      const first = (n * data.length) / N;
      vectors.set(data.subarray(first, first + C), n * C);
    }
    return vectors;
  }
  const grids = gridsOf(form, data, N);
  return Float32Array.from({ length: N * C }, (_, plane) => {
    let sum = 0;
    for (let i = 0; i < H * W; i++) sum += grids[plane * H * W + i] ?? 0;
    return sum / (H * W);
  });
}

/** Grids (N, C, H, W) of an output that has places. */
export function gridsOf(
  form: Exclude<Form, { readonly kind: 'vector' }>,
  data: Float32Array,
  N: number,
): Float32Array {
  if (form.kind === 'grid' && !form.channelsLast) return data;
  const [C, H, W] = form.shape;
  const before = form.kind === 'tokens' ? form.before : 0;
  const L = H * W;
  const grids = new Float32Array(N * C * L);
  for (let n = 0; n < N; n++) {
    for (let l = 0; l < L; l++) {
      const from = (n * (before + L) + before + l) * C;
      for (let c = 0; c < C; c++) grids[(n * C + c) * L + l] = data[from + c] ?? 0;
    }
  }
  return grids;
}

function formOf([, ...axes]: readonly number[], layout: Layout): Form | undefined {
  const wide = axes.filter((extent) => extent !== 1);
  const isSmall = axes.length >= 1 && axes.length <= 4;
  if (isSmall && wide.length <= 1) return { kind: 'vector', D: wide[0] ?? 1 };
  const [a = 0, b = 0, c = 0] = axes;
  if (axes.length === 2) return tokensOf(a, b, layout);
  if (axes.length !== 3) return undefined;
  const channelsLast = areLast(a, b, c, layout);
  return { kind: 'grid', channelsLast, shape: channelsLast ? [c, a, b] : [a, b, c] };
}

/** Of square photos the grid is square, which tells where the channels are; else they are as in the photos. */
function areLast(a: number, b: number, c: number, { width, height, channelsLast }: Layout) {
  if (width !== height || (a === b) === (b === c)) return channelsLast;
  return a === b;
}

/** Tokens whose last ones are the places of a grid with the photo's proportions. */
function tokensOf(
  T: number,
  C: number,
  { width, height, registerTokens }: Layout,
): Form | undefined {
  for (const before of registerTokens === undefined ? [0, 1] : [1 + registerTokens]) {
    const L = T - before;
    const H = Math.round(Math.sqrt((L * height) / width));
    const W = L / H;
    if (L > 1 && H * width === W * height) return { kind: 'tokens', shape: [C, H, W], before };
  }
  return undefined;
}

function isVector({ form }: Readable): boolean {
  return form.kind !== 'grid';
}

function isGrid({ form }: Readable): boolean {
  return form.kind !== 'vector';
}

function placesOf({ form }: Readable): number {
  return form.kind === 'vector' ? 1 : form.shape[1] * form.shape[2];
}

function show({ name, dims }: OnnxOutput): string {
  return `${name} (${['N', ...dims.slice(1)].join(', ')})`;
}
