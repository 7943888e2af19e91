/** Photos, of every kind that is decoded. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sharp } from 'sharp';
import { loadPixels } from '@/data/pictures/photos.js';
import type { Format } from './format.js';

const size = { width: 8, height: 8, resize: 'squash' } as const;

/** A picture of 24 x 16 that has something to pack. */
async function drawn(encode: (picture: Sharp) => Sharp): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const data = Uint8Array.from({ length: 24 * 16 * 3 }, (_, i) => (i * 7) % 256);
  return encode(sharp(data, { raw: { width: 24, height: 16, channels: 3 } })).toBuffer();
}

const encoders: Readonly<Record<string, (picture: Sharp) => Sharp>> = {
  jpeg: (picture) => picture.withExif({ IFD0: { Copyright: 'x' } }).jpeg(),
  'jpeg-progressive': (picture) => picture.jpeg({ progressive: true }),
  png: (picture) => picture.png(),
  'png-interlaced': (picture) => picture.png({ progressive: true, palette: true }),
  gif: (picture) => picture.gif(),
  webp: (picture) => picture.webp(),
  tiff: (picture) => picture.tiff({ compression: 'lzw' }),
  'tiff-tiled': (picture) => picture.tiff({ tile: true, tileWidth: 16, tileHeight: 16 }),
  avif: (picture) => picture.avif({ effort: 0 }),
};

const kinds: readonly [string, () => Promise<Uint8Array>][] = [
  ...Object.entries(encoders).map(([name, encode]): [string, () => Promise<Uint8Array>] => [
    name,
    () => drawn(encode),
  ]),
  // Nothing here writes it. The runs start in the folder of the repository.
  ['heic', () => readFile(join('test', 'fixtures', 'quarters.heic'))],
];

export const photoFormats: readonly Format[] = kinds.map(([name, bytes]) => ({
  name,
  files: async () => ({ photo: await bytes() }),
  read: (folder) => loadPixels({ path: join(folder, 'photo') }, size),
}));
