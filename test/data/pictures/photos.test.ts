import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { checkPhotoSize, withoutTexts } from '@/data/pictures/photo-limits.js';
import { decodePhoto, encodePng, loadPixels, shrinkPicture } from '@/data/pictures/photos.js';
import type { Pixels } from '@/data/pictures/pixels.js';
import { type PictureSize, type Resampling, resamplings } from '@/data/pictures/preprocessing.js';
import { FileError, FormatError, type MissingDependencyError, ShapeError } from '@/errors.js';

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

/** Drawn as `quarters(64, 48)`, written by heif-enc of libheif 1.15. */
const quartersHeic = fileURLToPath(new URL('../../fixtures/quarters.heic', import.meta.url));

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

  test('colours of another profile become sRGB', async () => {
    const display = await sharp({
      create: { width: 16, height: 16, channels: 3, background: { r: 255, g: 80, b: 80 } },
    })
      .withIccProfile('p3')
      .png()
      .toBuffer();
    const stored = await sharp(display, { ignoreIcc: true }).raw().toBuffer();
    expect(stored[0]).toBeLessThan(245); // The wider space has the same red at a smaller number.
    expectNear(at(await decodePhoto(display, squash(8, 8), 'p'), 4, 4), [255, 80, 80], 2);
  });

  test('of an animation, the first picture', async () => {
    const black = { ...quarters(32, 16), data: new Uint8Array(32 * 16 * 3) };
    const frames = [await encodePng(quarters(32, 16)), await encodePng(black)];
    const animated = () => sharp(frames, { join: { animated: true } });
    for (const file of [
      await animated().gif().toBuffer(),
      await animated().webp({ lossless: true }).toBuffer(),
    ]) {
      expect((await sharp(file).metadata()).pages).toBe(2);
      const pixels = await decodePhoto(file, squash(32, 16), 'p');
      expect([pixels.width, pixels.height]).toEqual([32, 16]);
      expectQuarters(pixels, 3);
    }
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

  test('the middle is cut out of a larger picture, squashed or not', async () => {
    const across: Pixels = {
      ...quarters(64, 32),
      data: Uint8Array.from({ length: 64 * 32 * 3 }, (_, i) => 4 * (Math.floor(i / 3) % 64)),
    };
    const cut = { ...crop(16, 8), cutFrom: [32, 32] } as const;
    const middle = await loadPixels(across, cut);
    expect([middle.width, middle.height]).toEqual([16, 8]);
    // Of 64 pixels the middle 32, and of these the middle 16: from 24 to 39.
    expectNear(at(middle, 0, 4), [96, 96, 96], 2);
    expectNear(at(middle, 15, 4), [156, 156, 156], 2);
    const squashed = await loadPixels(across, { ...cut, resize: 'squash' });
    // Squashed to 32 the middle 16 are from 16 to 47, two by two.
    expectNear(at(squashed, 0, 4), [66, 66, 66], 3);
    expectNear(at(squashed, 15, 4), [186, 186, 186], 3);
    const same = { ...crop(64, 32), cutFrom: [128, 64] } as const;
    expect(at(await loadPixels(across, same), 0, 0)).not.toEqual(at(across, 0, 0));
  });

  test('resampling: nearest makes no new colours, the others do, each in its way', async () => {
    const edge = quarters(27, 27);
    const as = async (resample: Resampling) => {
      const { data } = await loadPixels(edge, { ...squash(8, 8), resample });
      return [...data];
    };
    const [nearest = [], ...smooth] = await Promise.all(resamplings.map(as));
    expect(new Set(nearest)).toEqual(new Set([0, 255]));
    for (const values of smooth) expect(new Set(values).size).toBeGreaterThan(2);
    expect(new Set(smooth.map(String)).size).toBe(3);
    const { data } = await loadPixels(edge, squash(8, 8));
    expect(await as('lanczos')).toEqual([...data]);
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
    expect(await refused(new TextEncoder().encode(svg))).toMatch(/it is an SVG drawing/);
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

  test.each<[string, string | Uint8Array]>([
    [
      'a web page in place of the file (download the file itself)',
      '<!DOCTYPE html><html><body>404</body></html>',
    ],
    ['an SVG drawing', '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>'],
    [
      'a pointer of Git LFS in place of the file (fetch the file with git lfs pull)',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
    ],
    ['text', '{"error": "not found"}'],
    ['blank text', '\n\n'],
    ['a PDF document', '%PDF-1.7\n'],
    ['a zip file (unpack it)', 'PK\x03\x04'],
    ['zeros only', new Uint8Array(5000)],
    ['a film', Uint8Array.from([0, 0, 0, 16, ...Buffer.from('ftypisom'), 0, 0, 2, 0])],
    ["macOS's notes on a file", Uint8Array.of(0, 5, 22, 7, 0, 2, 0, 0)],
    ['a file of a kind that is not known', Uint8Array.of(1, 2, 3, 250)],
  ])('%s', async (kind, content) => {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    expect(await refused(bytes)).toContain(`is no photo that can be decoded: it is ${kind}`);
  });

  test('cut short, and damaged, of every kind', async () => {
    const noisy = { ...quarters(90, 60), data: new Uint8Array(90 * 60 * 3) };
    for (let i = 0; i < noisy.data.length; i++) noisy.data[i] = (i * i * 17) % 253;
    const kinds = {
      JPEG: await raw(noisy).jpeg({ progressive: true }).toBuffer(),
      PNG: await raw(noisy).png().toBuffer(),
      WebP: await raw(noisy).webp({ lossless: true }).toBuffer(),
      GIF: await raw(noisy).gif().toBuffer(),
      TIFF: await raw(noisy).tiff({ compression: 'lzw' }).toBuffer(),
      AVIF: await raw(noisy).avif({ effort: 0 }).toBuffer(),
      HEIC: await readFile(quartersHeic),
    };
    for (const [kind, file] of Object.entries(kinds)) {
      for (const part of [0.3, 0.9]) {
        const cut = file.subarray(0, Math.floor(file.length * part));
        expect(await refused(cut), `${kind}, ${part}`).toMatch(
          new RegExp(`the ${kind} is cut short after ${cut.length.toLocaleString('en')} bytes$`),
        );
      }
    }
    const { PNG } = kinds;
    PNG[PNG.length - 40] = (PNG[PNG.length - 40] ?? 0) ^ 255;
    expect(await refused(PNG)).toMatch(/the PNG is damaged$/);
  });

  test('each of many bad photos with its own reason, every time', async () => {
    const jpeg = await raw(quarters(64, 64)).jpeg().toBuffer();
    const png = Buffer.from(await encodePng(quarters(64, 64)));
    png[60] = (png[60] ?? 0) ^ 255;
    const bad = Array.from({ length: 24 }, (_, i) =>
      i % 2 ? png : jpeg.subarray(0, jpeg.length - 100),
    );
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.allSettled(bad.map((b) => decodePhoto(b, squash(8, 8), 'p')));
      const reasons = outcomes.map((one) =>
        String(one.status === 'rejected' && one.reason.message),
      );
      for (const [i, reason] of reasons.entries()) {
        expect(reason).toMatch(i % 2 ? /the PNG is damaged/ : /the JPEG is cut short/);
      }
    }
  });

  test('a missing file and a folder are FileErrors', async () => {
    const missing = loadPixels({ path: join(folder, 'none.jpg') }, squash(8, 8));
    await expect(missing).rejects.toThrow(FileError);
    await expect(loadPixels({ path: folder }, squash(8, 8))).rejects.toThrow(FileError);
  });

  test.skipIf(process.platform === 'win32')('a device and a pipe are not waited for', async () => {
    const [device, pipe] = [join(folder, 'zero.jpg'), join(folder, 'pipe.jpg')];
    await symlink('/dev/zero', device);
    await promisify(execFile)('mkfifo', [pipe]);
    await expect(loadPixels({ path: device }, squash(8, 8))).rejects.toThrow(/it is a device/);
    await expect(loadPixels({ path: pipe }, squash(8, 8))).rejects.toThrow(/it is a pipe/);
  });

  test('pixels whose bytes do not fit their size', async () => {
    const wrong = { ...quarters(4, 4), data: new Uint8Array(5) };
    await expect(loadPixels(wrong, squash(8, 8))).rejects.toThrow(ShapeError);
    await expect(encodePng(wrong)).rejects.toThrow(/48 bytes, not 5/);
  });
});

/** The header of a PNG with these sides, 8 bits of red, green and blue, and no pixels. */
function pngOf(width: number, height: number, { interlaced = false } = {}): Uint8Array {
  const chunk = (name: string, content: Uint8Array) => {
    const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(content.length);
    checksum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, checksum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, interlaced ? 1 : 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(new Uint8Array(100))),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

describe('how large a photo may be', () => {
  const header = { channels: 3, depth: 'uchar', isProgressive: false } as const;
  const decoded = (bytes: Uint8Array) => decodePhoto(bytes, squash(8, 8), 'big');

  test('one of 108 megapixels is decoded', async () => {
    const [width, height] = [12_000, 9_000];
    const create = { width, height, channels: 3, background: '#5a783c' } as const;
    const file = await sharp({ create }).jpeg({ quality: 30 }).toBuffer();
    expectNear(at(await decoded(file), 4, 4), [0x5a, 0x78, 0x3c], 4);
  });

  test('the largest of every kind of camera file may take the memory, and no more pixels than that', () => {
    const side = 0x3fff - 1;
    const progressive = { ...header, isProgressive: true, chromaSubsampling: '4:4:4' };
    const size = { width: side, height: side };
    for (const kind of ['JPEG', 'PNG', 'WebP', 'GIF', 'TIFF'] as const) {
      expect(checkPhotoSize(kind, { ...header, ...size }, 1e7, 'p')).toBeGreaterThan(0);
    }
    expect(checkPhotoSize('JPEG', { ...progressive, ...size }, 1e7, 'p')).toBe(side * side * 6);
    expect(() => checkPhotoSize('AVIF', { ...header, ...size }, 1e7, 'p')).toThrow(
      /16382 x 16382 pixels, which as AVIF take 4\.8 GB of memory, more than the 1\.6 GB/,
    );
    expect(() =>
      checkPhotoSize('JPEG', { ...header, width: 20_000, height: 14_000 }, 1e7, 'p'),
    ).toThrow(/^p: has 20000 x 14000 pixels, 280 million, more than the 268 million that are read/);
  });

  test('a small file that says it is large is refused by its header', async () => {
    await expect(decoded(pngOf(5_963_800, 16))).rejects.toThrow(
      /has 5963800 x 16 pixels; at most 65,535 across and down/,
    );
    await expect(decoded(pngOf(12_000, 9_000, { interlaced: true }))).rejects.toThrow(
      /12000 x 9000 pixels, 108 million, in [\d,]+ bytes: no photo is so small/,
    );
    const jpeg = await raw(quarters(16, 16)).jpeg().toBuffer();
    jpeg.set([0x28, 0, 0x28, 0], jpeg.indexOf(Uint8Array.of(0xff, 0xc0)) + 5); // 10,240 x 10,240
    await expect(decoded(jpeg)).rejects.toThrow(/10240 x 10240 pixels, 104 million, in/);
    const webp = await raw(quarters(16, 16)).webp({ lossless: true }).toBuffer();
    webp.writeUInt32LE((5_999 << 14) | 7_999, 21); // 8,000 x 6,000
    await expect(decoded(webp)).rejects.toThrow(
      /48 million, in [\d,]+ bytes: no photo is so small/,
    );
    const gif = Buffer.from('R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=', 'base64');
    for (const place of [6, 18]) gif.fill(Uint8Array.of(0, 0x3c, 0, 0x3c), place, place + 4);
    await expect(decoded(gif)).rejects.toThrow(/15360 x 15360 pixels, 235 million, in/);
  });

  test("a PNG's compressed texts, which may unfold a thousandfold, are left out", async () => {
    const png = Buffer.from(await encodePng(quarters(32, 16)));
    const text = Buffer.concat([
      Buffer.from('k\0\0', 'latin1'),
      deflateSync(new Uint8Array(10_000)),
    ]);
    const named = Buffer.concat([Buffer.from('zTXt', 'latin1'), text]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(text.length);
    checksum.writeUInt32BE(crc32(named));
    const chunk = Buffer.concat([length, named, checksum]);
    const afterHeader = 8 + 25;
    const bomb = Buffer.concat([
      png.subarray(0, afterHeader),
      ...Array.from({ length: 50 }, () => chunk),
      png.subarray(afterHeader),
    ]);
    expect(Buffer.from(withoutTexts(bomb)).equals(png)).toBe(true);
    expect(Buffer.from(withoutTexts(png)).equals(png)).toBe(true);
    const cut = png.subarray(0, 60);
    expect(Buffer.from(withoutTexts(cut)).equals(cut)).toBe(true);
    expectQuarters(await decodePhoto(bomb, squash(32, 16), 'p'), 0);
  });
});

describe('HEIC', () => {
  test('is decoded by libheif-js where that is installed', async () => {
    const pixels = await loadPixels({ path: quartersHeic }, squash(64, 48));
    expectQuarters(pixels, 12);
    const shown = await shrinkPicture({ path: quartersHeic }, { side: 160, quality: 80 });
    expect(shown).toMatchObject({ width: 64, height: 48 });
  });

  test('without it, the error says what it is and what to do', async () => {
    vi.doMock('libheif-js/wasm-bundle.js', () => {
      throw new Error('Cannot find package');
    });
    vi.resetModules();
    const photos = await import('@/data/pictures/photos.js');
    const error = await photos
      .loadPixels({ path: quartersHeic }, squash(8, 8))
      .catch((e: unknown) => e);
    vi.doUnmock('libheif-js/wasm-bundle.js');
    expect(error).toMatchObject({ code: 'bad-format', source: quartersHeic });
    expect(String(error)).toMatch(
      /is a HEIC photo \(HEVC\).*npm install libheif-js, or save it as JPEG/,
    );
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
  const photos = await import('@/data/pictures/photos.js');
  const error = await photos.encodePng(quarters(2, 2)).catch((e: unknown) => e);
  vi.doUnmock('sharp');
  expect(error).toMatchObject({ code: 'missing-dependency' });
  expect((error as MissingDependencyError).message).toMatch(/npm install sharp/);
});
