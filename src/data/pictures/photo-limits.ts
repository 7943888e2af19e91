/** The limits within which photos are decoded: their size, the memory that it takes, and how many at a time. */
import { PhotoError } from '../../errors.js';
import type { PhotoKind } from './photo-kinds.js';

/** Most pixels of a photo: 0x3fff across and down, which is what the decoders themselves allow. */
export const LARGEST_PHOTO = 0x3fff ** 2;

/** Most pixels across, and down: a row takes memory many times over while it is made smaller. */
export const LONGEST_SIDE = 65_535;

/** Most bytes that decoding a photo may take: a progressive JPEG of the largest size does. */
const MOST_MEMORY = 1.5 * 2 ** 30;

/** A file whose decoding takes more than this, in bytes, must have the bytes for its pixels. */
const MUCH_MEMORY = 128 * 2 ** 20;
/** Pixels a byte that no photo has. */
const MOST_PIXELS_A_BYTE = 1000;
/** A JPEG has at least a bit for each block of 64 pixels: with fewer it is damaged. */
const MOST_PIXELS_A_JPEG_BYTE = 8 * 64;

/** Rows that are in memory while a photo is read from above and made smaller, as measured. */
const ROWS_AT_ONCE = 1600;

const BYTES_OF: Readonly<Record<string, number>> = {
  ushort: 2,
  short: 2,
  uint: 4,
  int: 4,
  float: 4,
  double: 8,
  complex: 8,
  dpcomplex: 16,
};

/**
 * A PNG without its compressed texts (zTXt, iTXt). They say nothing of the picture, each unpacks to as
 * much as 8 MB, and a small file can have a thousand of them.
 */
export function withoutTexts(png: Uint8Array): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const kept = new Uint8Array(png.length);
  let length = 0;
  const keep = (part: Uint8Array) => {
    kept.set(part, length);
    length += part.length;
  };
  keep(png.subarray(0, 8));
  // After the signature: length, name, content, checksum of each chunk.
  for (let place = 8; place < png.length; ) {
    const size = place + 12 <= png.length ? 12 + view.getUint32(place) : 12;
    const chunk = png.subarray(place, place + size);
    const name = String.fromCharCode(...chunk.subarray(4, 8));
    if (name !== 'zTXt' && name !== 'iTXt') keep(chunk);
    place += size;
  }
  return kept.subarray(0, length);
}

/** The part of what a header says that limits depend on, in the words of the package sharp. */
export interface PhotoHeader {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** `uchar` for a byte a value, `ushort` for two, ... */
  readonly depth: string;
  readonly isProgressive?: boolean | undefined;
  readonly chromaSubsampling?: string | undefined;
}

/**
 * Bytes that decoding a photo takes at most, from its header. JPEG, PNG and TIFF are read row by row
 * unless they are progressive; the other kinds are in memory as a whole.
 */
export function decodingMemory(kind: PhotoKind['name'], header: PhotoHeader): number {
  const { width, height, channels, depth, isProgressive, chromaSubsampling } = header;
  const row = width * channels * (BYTES_OF[depth] ?? 1);
  const rows = row * Math.min(ROWS_AT_ONCE, 4 * height);
  const pixels = width * height;
  switch (kind) {
    case 'JPEG': {
      // All its coefficients, two bytes each.
      const coefficients = chromaSubsampling === '4:2:0' ? 1.5 : channels;
      return isProgressive ? pixels * coefficients * 2 : rows;
    }
    case 'PNG':
      return isProgressive ? 1.1 * row * height : rows;
    case 'TIFF':
      return rows;
    case 'WebP':
      return pixels * 4;
    case 'GIF':
      return pixels * 5;
    case 'AVIF':
    case 'HEIC':
      return pixels * 18;
  }
}

/**
 * Refuses a photo by its header, before a decoder allocates memory for it.
 * @param bytes of its file.
 * @returns what decoding it takes, in bytes.
 * @throws PhotoError naming its size and the limit.
 */
export function checkPhotoSize(
  kind: PhotoKind['name'],
  header: PhotoHeader,
  bytes: number,
  source: string,
): number {
  const { width, height } = header;
  const pixels = width * height;
  const size = `${width} x ${height} pixels`;
  if (Math.max(width, height) > LONGEST_SIDE) {
    throw new PhotoError(
      source,
      `has ${size}; at most ${LONGEST_SIDE.toLocaleString('en')} across and down are read: make it smaller`,
    );
  }
  if (pixels > LARGEST_PHOTO) {
    throw new PhotoError(
      source,
      `has ${size}, ${millions(pixels)}, more than the ${millions(LARGEST_PHOTO)} that are read: make it smaller`,
    );
  }
  const memory = decodingMemory(kind, header);
  if (
    (memory > MUCH_MEMORY && pixels > MOST_PIXELS_A_BYTE * bytes) ||
    (kind === 'JPEG' && pixels > MOST_PIXELS_A_JPEG_BYTE * bytes)
  ) {
    throw new PhotoError(
      source,
      `says that it has ${size}, ${millions(pixels)}, in ${bytes.toLocaleString('en')} bytes: no photo is so small, and it is not decoded`,
    );
  }
  if (memory > MOST_MEMORY) {
    throw new PhotoError(
      source,
      `has ${size}, which as ${kind} take ${gigabytes(memory)} of memory, more than the ${gigabytes(MOST_MEMORY)} that are given: make it smaller, or save it as JPEG`,
    );
  }
  return memory;
}

function millions(pixels: number): string {
  return `${Math.floor(pixels / 1e6)} million`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/**
 * A weighted semaphore: work begins in turn, as long as all that runs stays within a total of bytes, or
 * simply a number of tasks. What needs more than the total runs alone.
 */
export class Semaphore {
  readonly total: number;
  #free: number;
  readonly #waiting: { readonly share: number; readonly begin: () => void }[] = [];

  /** @param total above 0 */
  constructor(total: number) {
    this.total = total;
    this.#free = total;
  }

  /** Does the work when its turn has come and `share` of the total is free. @throws what it throws */
  async run<T>(share: number, work: () => Promise<T>): Promise<T> {
    const taken = Math.min(share, this.total);
    await new Promise<void>((begin) => {
      this.#waiting.push({ share: taken, begin });
      this.#next();
    });
    try {
      return await work();
    } finally {
      this.#free += taken;
      this.#next();
    }
  }

  /** First come, first served: otherwise small work could keep large work waiting for ever. */
  #next(): void {
    for (let [first] = this.#waiting; first && first.share <= this.#free; [first] = this.#waiting) {
      this.#waiting.shift();
      this.#free -= first.share;
      first.begin();
    }
  }
}
