import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Pixels } from '../../src/data/captioned-images.js';
import {
  decodePhoto,
  encodePng,
  loadPixels,
  type PictureSize,
  shrinkPicture,
} from '../../src/data/photos.js';
import {
  FileError,
  FormatError,
  type MissingDependencyError,
  ShapeError,
} from '../../src/errors.js';

const squash = (width: number, height: number): PictureSize => ({
  width,
  height,
  resize: 'squash',
});
const crop = (width: number, height: number): PictureSize => ({
  width,
  height,
  resize: 'centre-crop',
});

/** Four flat quarters: red, green / blue, white. */
function quarters(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const left = x < width / 2;
      const colour = y < height / 2 ? (left ? RED : GREEN) : left ? BLUE : WHITE;
      data.set(colour, (y * width + x) * 3);
    }
  }
  return { width, height, channels: 3, data };
}
const RED = [255, 0, 0];
const GREEN = [0, 255, 0];
const BLUE = [0, 0, 255];
const WHITE = [255, 255, 255];

const raw = ({ width, height, channels, data }: Pixels) =>
  sharp(data, { raw: { width, height, channels } });
const at = ({ width, data }: Pixels, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];
function expectNear(actual: number[], expected: number[], tolerance: number) {
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? 999))));
  expect(worst, `${actual} is not near ${expected}`).toBeLessThanOrEqual(tolerance);
}
function expectQuarters(pixels: Pixels, tolerance: number) {
  const { width, height } = pixels;
  const [l, r] = [Math.floor(width / 8), width - 1 - Math.floor(width / 8)];
  const [t, b] = [Math.floor(height / 8), height - 1 - Math.floor(height / 8)];
  expectNear(at(pixels, l, t), RED, tolerance);
  expectNear(at(pixels, r, t), GREEN, tolerance);
  expectNear(at(pixels, l, b), BLUE, tolerance);
  expectNear(at(pixels, r, b), WHITE, tolerance);
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-photos-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a photo of every kind becomes upright RGB', () => {
  const picture = quarters(32, 16);
  test.each<[string, () => Promise<Uint8Array>, number]>([
    ['PNG', () => raw(picture).png().toBuffer(), 0],
    ['PNG of 16 bits', () => raw(picture).toColourspace('rgb16').png().toBuffer(), 0],
    ['palette PNG', () => raw(picture).png({ palette: true }).toBuffer(), 3],
    ['JPEG', () => raw(picture).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer(), 8],
    ['WebP', () => raw(picture).webp({ lossless: true }).toBuffer(), 0],
    ['GIF', () => raw(picture).gif().toBuffer(), 3],
    ['TIFF', () => raw(picture).tiff({ compression: 'lzw' }).toBuffer(), 0],
    ['PNG with alpha', () => raw(picture).ensureAlpha().png().toBuffer(), 0],
  ])('%s', async (_, encode, tolerance) => {
    const pixels = await decodePhoto(await encode(), squash(32, 16), 'p');
    expect([pixels.width, pixels.height, pixels.channels, pixels.data.length]).toEqual([
      32, 16, 3, 1536,
    ]);
    expectQuarters(pixels, tolerance);
  });

  test.each([[[200, 60, 60]], [[60, 160, 60]], [[60, 60, 160]], [WHITE]])(
    'CMYK JPEG of colour %j',
    async (colour) => {
      const data = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => colour[i % 3] ?? 0);
      const flat: Pixels = { width: 16, height: 16, channels: 3, data };
      const file = await raw(flat).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
      expect((await sharp(file).metadata()).space).toBe('cmyk');
      // The way through printer's inks changes colours a little.
      expectNear(at(await decodePhoto(file, squash(8, 8), 'p'), 4, 4), colour, 30);
    },
  );

  test('grey, with and without alpha', async () => {
    const grey = await raw(picture).toColourspace('b-w').png().toBuffer();
    expect((await sharp(grey).metadata()).channels).toBe(1);
    const pixels = await decodePhoto(grey, squash(32, 16), 'p');
    const [red, green, blue] = at(pixels, 2, 2);
    expect(pixels.data.length).toBe(1536);
    expect([green, blue]).toEqual([red, red]);
    const withAlpha = await sharp(grey).ensureAlpha(0).png().toBuffer();
    expect(at(await decodePhoto(withAlpha, squash(32, 16), 'p'), 2, 2)).toEqual(WHITE);
  });

  test('transparent parts are white, half-transparent ones half so', async () => {
    const clear = await raw(picture).ensureAlpha(0.5).png().toBuffer();
    const pixels = await decodePhoto(clear, squash(32, 16), 'p');
    expectNear(at(pixels, 2, 2), [255, 127, 127], 2);
    expectNear(at(pixels, 2, 12), [127, 127, 255], 2);
  });

  // How a camera that is held so, or mirrors, stores the upright picture.
  test.each<[number, number, (picture: Sharp) => Sharp]>([
    [1, 0, (p) => p],
    [2, 0, (p) => p.flop()],
    [3, 180, (p) => p],
    [4, 0, (p) => p.flip()],
    [5, 270, (p) => p.flip()],
    [6, 270, (p) => p],
    [7, 270, (p) => p.flop()],
    [8, 90, (p) => p],
  ])('EXIF orientation %i is undone', async (orientation, angle, mirror) => {
    const turned = await raw(picture).rotate(angle).png().toBuffer();
    const stored = mirror(sharp(turned)).withMetadata({ orientation });
    const pixels = await decodePhoto(await stored.png().toBuffer(), squash(32, 16), 'p');
    expect([pixels.width, pixels.height]).toEqual([32, 16]);
    expectQuarters(pixels, 0);
  });
});

describe('size', () => {
  test('a photo that fits is not resampled, and pixels that fit are returned as they are', async () => {
    const noise: Pixels = {
      width: 40,
      height: 30,
      channels: 3,
      data: Uint8Array.from({ length: 3600 }, (_, i) => (i * i * 31) % 251),
    };
    for (const size of [squash(40, 30), crop(40, 30)]) {
      expect(await decodePhoto(await encodePng(noise), size, 'p')).toEqual(noise);
      expect(await loadPixels(noise, size)).toBe(noise);
    }
  });

  test('squash keeps everything, centre-crop keeps proportions', async () => {
    const wide = quarters(64, 16);
    expectQuarters(await loadPixels(wide, squash(16, 16)), 5);
    const stripes: Pixels = {
      ...wide,
      data: Uint8Array.from({ length: 64 * 16 * 3 }, (_, i) => Math.floor(i / 3) % 64),
    };
    const middle = await loadPixels(stripes, crop(16, 16));
    expectNear(at(middle, 0, 8), [24, 24, 24], 1);
    expectNear(at(middle, 15, 8), [39, 39, 39], 1);
  });

  test('a file and its pixels give the same', async () => {
    const picture = quarters(50, 70);
    const path = join(folder, 'a.png');
    await writeFile(path, await encodePng(picture));
    expect(await loadPixels({ path }, crop(24, 24))).toEqual(
      await loadPixels(picture, crop(24, 24)),
    );
  });
});

describe('what is no photo is refused by name', () => {
  const refused = async (bytes: Uint8Array) => {
    const path = join(folder, 'bad.jpg');
    await writeFile(path, bytes);
    const error = await loadPixels({ path }, squash(8, 8)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(FormatError);
    expect(error).toMatchObject({ source: path });
    return (error as FormatError).message;
  };

  test('empty, text, an SVG', async () => {
    expect(await refused(new Uint8Array(0))).toMatch(/bad\.jpg: is empty/);
    expect(await refused(new TextEncoder().encode('no photo'))).toMatch(/bad\.jpg: is no photo/);
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    expect(await refused(new TextEncoder().encode(svg))).toMatch(/of format svg/);
  });

  test('cut short', async () => {
    const noisy = { ...quarters(64, 64), data: new Uint8Array(64 * 64 * 3) };
    for (let i = 0; i < noisy.data.length; i++) noisy.data[i] = (i * i * 17) % 253;
    const files = [await raw(noisy).jpeg().toBuffer(), Buffer.from(await encodePng(noisy))];
    for (const file of files) {
      for (const part of [0.1, 0.5, 0.9]) {
        expect(await refused(file.subarray(0, file.length * part))).toMatch(/is no photo that/);
      }
    }
  });

  test('a small file that unfolds to too many pixels', async () => {
    const bomb = await raw(quarters(16, 16)).jpeg().toBuffer();
    const frame = bomb.indexOf(Uint8Array.of(0xff, 0xc0));
    bomb.set([0x28, 0, 0x28, 0], frame + 5); // 10,240 pixels high and wide
    expect(await refused(bomb)).toMatch(/pixel limit/);
  });

  test('a missing file and a folder are FileErrors', async () => {
    const missing = loadPixels({ path: join(folder, 'none.jpg') }, squash(8, 8));
    await expect(missing).rejects.toThrow(FileError);
    await expect(loadPixels({ path: folder }, squash(8, 8))).rejects.toThrow(FileError);
  });

  test('pixels whose bytes do not fit their size', async () => {
    const wrong = { ...quarters(4, 4), data: new Uint8Array(5) };
    await expect(loadPixels(wrong, squash(8, 8))).rejects.toThrow(ShapeError);
    await expect(encodePng(wrong)).rejects.toThrow(/48 bytes, not 5/);
  });
});

describe('a picture made small for people', () => {
  const size = { side: 160, quality: 80 };

  test('is an upright JPEG of at most that side, proportions kept, never enlarged', async () => {
    const path = join(folder, 'lying.jpg');
    await writeFile(
      path,
      await raw(quarters(400, 200)).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    );
    const { bytes, ...rest } = await shrinkPicture({ path }, size);
    expect(rest).toEqual({ type: 'image/jpeg', width: 80, height: 160 });
    const upright = await decodePhoto(bytes, squash(80, 160), 'small');
    // Turned right: what was at the lower left is at the upper left.
    expectNear(at(upright, 10, 20), BLUE, 12);
    expectNear(at(upright, 70, 20), RED, 12);
    const own = await shrinkPicture(quarters(150, 130), size);
    expect(own).toMatchObject({ type: 'image/jpeg', width: 150, height: 130 });
  });

  test('is a PNG without any loss when it is small already', async () => {
    const drawn = quarters(48, 40);
    const { bytes, ...rest } = await shrinkPicture(drawn, size);
    expect(rest).toEqual({ type: 'image/png', width: 48, height: 40 });
    expect(await decodePhoto(bytes, squash(48, 40), 'small')).toEqual(drawn);
  });

  test('is refused by name when it is none', async () => {
    const path = join(folder, 'no-photo.jpg');
    await writeFile(path, 'no photo');
    await expect(shrinkPicture({ path }, size)).rejects.toThrow(/no-photo\.jpg: is no photo/);
  });
});

test('without sharp, the error says what to install', async () => {
  vi.doMock('sharp', () => {
    throw new Error('Cannot find package');
  });
  vi.resetModules();
  const photos = await import('../../src/data/photos.js');
  const error = await photos.encodePng(quarters(2, 2)).catch((e: unknown) => e);
  vi.doUnmock('sharp');
  expect(error).toMatchObject({ code: 'missing-dependency' });
  expect((error as MissingDependencyError).message).toMatch(/npm install sharp/);
});
