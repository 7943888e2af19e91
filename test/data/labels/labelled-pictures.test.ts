import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onWindows } from '@test/file-systems.js';
import { describeWithShared } from '@test/shared.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseIdx } from '@/data/formats/idx.js';
import { parseCifar10 } from '@/data/labels/cifar10.js';
import { openLabelledDataset } from '@/data/labels/labelled-dataset.js';
import {
  divideLabelled,
  type LabelledPictures,
  labelledFingerprint,
  pictureInto,
} from '@/data/labels/labelled-pictures.js';
import { labelledFrom } from '@/data/labels/mnist.js';
import { labelledFromArrays } from '@/data/labels/picture-arrays.js';
import { encodePng } from '@/data/pictures/photos.js';
import { FormatError, ShapeError, UsageError } from '@/errors.js';

const fixtures = fileURLToPath(new URL('../../fixtures/pictures/', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-pictures-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The message of a FormatError, and the file it names. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Says yes, or no by a FormatError: nothing else. */
function decides(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
  }
}

const counting = (length: number, from = 0) =>
  Uint8Array.from({ length }, (_, i) => (from + i) % 251);

function idx(shape: readonly number[], values: ArrayLike<number>, head = [0, 0, 8]): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + values.length);
  bytes.set([...head, shape.length]);
  const view = new DataView(bytes.buffer);
  for (const [axis, length] of shape.entries()) view.setUint32(4 + 4 * axis, length);
  bytes.set(values, 4 + 4 * shape.length);
  return bytes;
}

describe('IDX', () => {
  test('what was written is read', () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(shapes, (shape) => {
        const values = counting(shape.reduce((product, length) => product * length, 1));
        expect(parseIdx(idx(shape, values), 'x')).toEqual({ shape, values });
      }),
    );
  });

  test('no bytes do anything but be read or be refused', () => {
    const heads = fc.constantFrom([], [0, 0, 8, 1], [0, 0, 8, 3], [0, 0, 8, 255], [0, 0, 13, 2]);
    fc.assert(
      fc.property(heads, fc.uint8Array({ maxLength: 40 }), (head, rest) => {
        decides(() => parseIdx(Uint8Array.from([...head, ...rest]), 'x'));
      }),
    );
  });

  test('a file that is cut short or too long is refused, wherever', () => {
    const whole = idx([2, 3], counting(6));
    for (let length = 0; length < whole.length; length++) {
      expect(refusal(() => parseIdx(whole.subarray(0, length), 'mnist'))).toMatch(/^mnist: /);
    }
    expect(refusal(() => parseIdx(Uint8Array.from([...whole, 0]), 'mnist'))).toBe(
      'mnist: (2, 3) are 6 bytes from byte 12 on, but there are 7',
    );
  });

  test('names the byte', () => {
    expect(refusal(() => parseIdx(Uint8Array.of(0x1f, 0x8b, 8, 0), 'a'))).toMatch(/^a: byte 0: /);
    expect(refusal(() => parseIdx(idx([1], [0], [0, 0, 13]), 'a'))).toMatch(/^a: byte 2: .*13/);
    expect(refusal(() => parseIdx(idx([], []), 'a'))).toMatch(/^a: byte 3: /);
    // 2^32 - 1 cubed is no length that is asked for.
    expect(refusal(() => parseIdx(idx([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], []), 'a'))).toMatch(
      /but there are 0$/,
    );
  });

  test('pictures and labels have to belong together', () => {
    const pictures = [idx([2, 1, 3], counting(6)), 'p'] as const;
    expect(refusal(() => labelledFrom(pictures, [idx([3], [0, 1, 2]), 'l']))).toBe(
      'l: (3) are no labels of the 2 pictures in p',
    );
    expect(refusal(() => labelledFrom([idx([2, 3], counting(6)), 'p'], pictures))).toBe(
      'p: (2, 3) are no pictures (N, H, W)',
    );
  });

  test('a folder, gzipped or not, with a part of train held out', async () => {
    const { classes, splits, format } = await openLabelledDataset(`idx:${fixtures}idx,dev=0.2`);
    expect(format).toBe('idx');
    expect(classes).toEqual(['0', '1', '2']);
    expect(splits.test).toEqual({
      channels: 1,
      height: 3,
      width: 4,
      values: counting(48),
      labels: Int32Array.of(0, 1, 2, 0),
    });
    expect([splits.train.labels.length, splits.dev.labels.length]).toEqual([8, 2]);
    expect(await openLabelledDataset(`${fixtures}idx,dev=0.2`)).toEqual(
      await openLabelledDataset(`idx:${fixtures}idx,dev=0.2`),
    );
  });

  test('what is missing, or cannot be unpacked, is named', async () => {
    await writeFile(join(folder, 'train-images-idx3-ubyte.gz'), Uint8Array.of(0x1f, 0x8b, 1, 2));
    await expect(openLabelledDataset(folder)).rejects.toThrow(
      /train-labels-idx1-ubyte: is missing beside train-images-idx3-ubyte\.gz/,
    );
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), idx([0], []));
    await expect(openLabelledDataset(folder)).rejects.toThrow(
      /train-images-idx3-ubyte\.gz: is gzipped, but damaged or cut short/,
    );
    await expect(openLabelledDataset(`idx:${fixtures}`)).rejects.toThrow(
      /has no file train-images/,
    );
  });
});

describe('held-out shares', () => {
  const train: LabelledPictures = {
    channels: 1,
    height: 1,
    width: 2,
    values: counting(40),
    labels: Int32Array.from({ length: 20 }, (_, i) => i),
  };
  const labels = (shares: Parameters<typeof divideLabelled>[1]) => {
    const { train: a, dev, test } = divideLabelled({ train }, shares, 'set');
    return [a, dev, test].map((part) => [...part.labels]);
  };

  test('are disjoint, whole, the same for a seed and others for another', () => {
    const divided = labels({ dev: 0.1, test: 0.25, seed: 3 });
    expect(divided.map(({ length }) => length)).toEqual([13, 2, 5]);
    expect(divided.flat().sort((a, b) => a - b)).toEqual([...train.labels]);
    expect(labels({ dev: 0.1, test: 0.25, seed: 3 })).toEqual(divided);
    expect(labels({ dev: 0.1, test: 0.25, seed: 4 })).not.toEqual(divided);
  });

  test('go with their pictures', () => {
    const { dev } = divideLabelled({ train }, { dev: 0.3 }, 'set');
    const picture = new Float32Array(3);
    for (const [i, label] of dev.labels.entries()) {
      pictureInto(dev, i, picture, 1);
      expect([...picture]).toEqual([0, 2 * label, 2 * label + 1].map((v) => Math.fround(v / 255)));
    }
    expect(() => pictureInto(dev, dev.labels.length, picture)).toThrow(ShapeError);
  });

  test('leave something for train, and are not taken where the set has its own', () => {
    expect(() => labels({ dev: 0.5, test: 0.5 })).toThrow(UsageError);
    const own = divideLabelled({ train, dev: train, test: train }, { dev: 0.5 }, 'set');
    expect(own).toEqual({ train, dev: train, test: train });
    const other = { ...train, width: 1 };
    expect(refusal(() => divideLabelled({ train, test: other }, {}, 'set'))).toBe(
      'set: its test pictures are (1, 1, 1), those of train (1, 1, 2)',
    );
  });

  test('a fingerprint tells sets apart by pixels and by labels', () => {
    const fingerprint = labelledFingerprint(train);
    const brighter = { ...train, values: train.values.map((v, i) => (i === 39 ? v + 1 : v)) };
    const renamed = { ...train, labels: train.labels.map((label) => (label === 19 ? 0 : label)) };
    expect(fingerprint).toMatch(/^[0-9a-f]{8}$/);
    expect(new Set([fingerprint, ...[brighter, renamed].map(labelledFingerprint)]).size).toBe(3);
  });
});

describe('npz', () => {
  test('rows of floats with their own valid and test, as cluttered MNIST has them', async () => {
    const { splits, classes, name } = await openLabelledDataset(`${fixtures}rows.npz`);
    expect(name).toBe('rows.npz');
    expect(classes).toEqual(['0', '1', '2']);
    expect(splits.train).toEqual({
      channels: 1,
      height: 4,
      width: 4,
      values: Float32Array.from(counting(96), (byte) => byte / 255),
      labels: Int32Array.of(0, 1, 2, 0, 1, 2),
    });
    expect([splits.dev.labels.length, splits.test.labels.length]).toEqual([2, 3]);
  });

  test('bytes with channels last become planes', async () => {
    const { splits } = await openLabelledDataset(`npz:${fixtures}colours.npz,dev=0`);
    expect(splits.train).toMatchObject({ channels: 3, height: 4, width: 5, values: counting(600) });
    expect(splits.dev.labels.length).toBe(0);
  });

  test('what is no picture or no label is refused with the array named', () => {
    const read = (shape: number[], values: ArrayLike<number>, labels: number[]) =>
      refusal(() =>
        labelledFromArrays({ shape, values }, { shape: [labels.length], values: labels }, [
          'x',
          'y',
        ]),
      );
    expect(read([2, 4], counting(8), [0])).toBe(
      'y: (1) are no labels (N) or (N, 1) of the 2 pictures',
    );
    expect(read([1, 4], counting(4), [0.5])).toBe('y: label 0 is 0.5, no number of a class');
    expect(read([1, 4], counting(4), [-1])).toMatch(/^y: label 0 is -1/);
    expect(read([1, 5], counting(5), [0])).toMatch(/^x: \(1, 5\) are no pictures/);
    expect(read([1, 2, 2, 2], counting(8), [0])).toMatch(/^x: \(1, 2, 2, 2\) are no pictures/);
    expect(read([1, 4], Float32Array.of(0, 1, 1.5, 0), [0])).toMatch(/^x: element 2 is 1\.5/);
    expect(read([1, 4], Float32Array.of(0, Number.NaN, 1, 0), [0])).toMatch(/^x: element 1 is NaN/);
    expect(read([1, 4], Int32Array.of(0, 1, 2, 3), [0])).toMatch(/^x: pictures are bytes/);
  });

  test('a file without such arrays says what it has', async () => {
    const features = fileURLToPath(new URL('../../fixtures/features/stored.npz', import.meta.url));
    await expect(openLabelledDataset(features)).rejects.toThrow(/only features, ids$/);
  });
});

describe('CIFAR-10', () => {
  const record = (label: number, from: number) => Uint8Array.of(label, ...counting(3072, from));

  test('records of several files in order', () => {
    const pictures = parseCifar10([
      [Uint8Array.of(...record(3, 0), ...record(9, 5)), 'a'],
      [record(0, 7), 'b'],
    ]);
    expect(pictures).toMatchObject({ channels: 3, height: 32, width: 32 });
    expect([...pictures.labels]).toEqual([3, 9, 0]);
    expect(pictures.values.subarray(3072, 6144)).toEqual(counting(3072, 5));
  });

  test('a cut record and a label that is none are named by byte', () => {
    const two = Uint8Array.of(...record(1, 0), ...record(10, 0));
    expect(refusal(() => parseCifar10([[two, 'a']]))).toBe(
      'a: byte 3073: the label 10 is none of 0 to 9',
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3072 }), (length) => {
        const cut = two.subarray(0, 3073 + length);
        expect(refusal(() => parseCifar10([[cut, 'a']]))).toBe(
          `a: ends at byte ${3073 + length}, within the record of 3073 bytes at byte 3073`,
        );
      }),
    );
  });

  test('a folder, with its own names of classes', async () => {
    await writeFile(join(folder, 'data_batch_1.bin'), record(1, 0));
    await writeFile(join(folder, 'data_batch_2.bin'), record(2, 0));
    await writeFile(join(folder, 'test_batch.bin'), record(3, 0));
    const { classes, splits } = await openLabelledDataset(`${folder},dev=0`);
    expect(classes[3]).toBe('cat');
    expect([...splits.train.labels, ...splits.test.labels]).toEqual([1, 2, 3]);
    await writeFile(join(folder, 'batches.meta.txt'), 'a\nb\n');
    await expect(openLabelledDataset(folder)).rejects.toThrow(/names 2 classes, not 10/);
  });
});

describe('folders of classes', () => {
  const colours = { cats: [255, 0, 0], dogs: [0, 0, 255] } as const;
  async function write(parts: readonly string[]): Promise<void> {
    for (const part of parts) {
      for (const [name, colour] of Object.entries(colours)) {
        await mkdir(join(folder, part, name), { recursive: true });
        const data = Uint8Array.from({ length: 27 }, (_, i) => colour[i % 3] ?? 0);
        const png = await encodePng({ width: 3, height: 3, channels: 3, data });
        await writeFile(join(folder, part, name, '1.png'), png);
        await writeFile(join(folder, part, name, 'notes.txt'), '');
      }
    }
  }

  test('photos become planes of one size, or grey', async () => {
    await write(['']);
    const { splits, classes } = await openLabelledDataset(`${folder},size=2,dev=0`);
    expect(classes).toEqual(['cats', 'dogs']);
    expect(splits.train).toEqual({
      channels: 3,
      height: 2,
      width: 2,
      values: Uint8Array.of(255, 255, 255, 255, ...Array(16).fill(0), 255, 255, 255, 255),
      labels: Int32Array.of(0, 1),
    });
    const grey = await openLabelledDataset(`folder:${folder},size=2,grey=yes,dev=0`);
    expect([...grey.splits.train.values]).toEqual([76, 76, 76, 76, 29, 29, 29, 29]);
  });

  test('divided by folders, a class that train lacks is refused', async () => {
    await write(['train', 'val', 'test']);
    const { splits } = await openLabelledDataset(`${folder},size=2`);
    expect([splits.train, splits.dev, splits.test].map(({ labels }) => [...labels])).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    await mkdir(join(folder, 'val', 'mice'));
    await expect(openLabelledDataset(`folder:${folder}`)).rejects.toThrow(/mice: is a class that/);
  });

  const png = async () => encodePng({ width: 1, height: 1, channels: 3, data: new Uint8Array(3) });
  const put = async (...names: string[]) => {
    for (const name of names) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), await png());
    }
  };
  const open = (settings = 'dev=0') => openLabelledDataset(`folder:${folder},size=1,${settings}`);

  test('what systems put there is passed over; links and folders inside are followed', async () => {
    const dogs = onWindows ? 'dogs' : 'dogs ';
    await put(
      'cats/1.png',
      `${dogs}/sub/1.png`,
      `${dogs}/2.png`,
      '.ipynb_checkpoints/1.png',
      '0.png',
    );
    await put('__MACOSX/cats/1.png', 'elsewhere.d/1.png', 'cats/@eaDir/1.png/THUMB.png');
    await put('cats/3.BMP');
    await writeFile(join(folder, 'cats', '._1.png'), Uint8Array.of(0, 5, 22, 7));
    await rename(join(folder, 'elsewhere.d'), `${folder}-birds`);
    await symlink(`${folder}-birds`, join(folder, 'birds'), 'junction');
    await symlink(join(folder, dogs), join(folder, dogs, 'sub', 'back'), 'junction');
    const { classes, splits, notes } = await open();
    expect(classes).toEqual(['birds', 'cats', 'dogs']);
    expect([...splits.train.labels]).toEqual([0, 1, 2, 2]);
    expect(notes).toEqual([
      `1 photo has a format that is not read and is left out: ${join('cats', '3.BMP')}`,
      '1 photo has no folder of a class and is left out: 0.png',
    ]);
    await rm(`${folder}-birds`, { recursive: true });
  });

  const faults: readonly [what: string, files: string[], folders: string[], message: RegExp][] = [
    ['one class', ['cats/1.png'], [], /has one class, cats:/],
    ['an empty class', ['cats/1.png', 'dogs/1.png'], ['birds'], /birds: is a class without photos/],
    ['no class', ['1.png'], [], /holds no folders of photos/],
    [
      'two of one name',
      ['cats/1.png', 'cats /1.png', 'dogs/1.png'],
      [],
      /two folders of the class cats/,
    ],
    [
      'two folders of one split',
      ['train/cats/1.png', 'train/dogs/1.png', 'val/cats/1.png', 'valid/cats/1.png'],
      [],
      /val and valid are both dev/,
    ],
    [
      'another spelling in val',
      ['train/cats/1.png', 'train/dogs/1.png', 'val/Cats/1.png'],
      [],
      /Cats: is a class that has no folder in train, which has cats, dogs/,
    ],
    ['no train', ['val/cats/1.png', 'val/dogs/1.png'], [], /none called train/],
  ];
  const possible = faults.filter(([, files]) => !(onWindows && files.includes('cats /1.png')));
  test.each(possible)('refuses %s', async (_, files, folders, message) => {
    await put(...files);
    for (const name of folders) await mkdir(join(folder, name));
    await expect(open()).rejects.toThrow(FormatError);
    await expect(open()).rejects.toThrow(message);
  });

  test('a class whose only photo is held out is named; folders of no split are told', async () => {
    await put('cats/1.png', 'dogs/1.png');
    await expect(open('dev=0.5')).rejects.toThrow(/of the class (cats|dogs) fell to dev and test/);
    await put('train/cats/1.png', 'train/dogs/1.png');
    const { notes } = await open();
    expect(notes).toEqual(['2 folders have the names of no split and are left out: cats, dogs']);
  });
});

test('a specification that is none lists the formats', async () => {
  await expect(openLabelledDataset(folder)).rejects.toThrow(/no known format[\s\S]*idx:<folder>/);
  await expect(openLabelledDataset('idx:')).rejects.toThrow(/missing after the colon/);
  await expect(openLabelledDataset(`idx:${folder},dev=2`)).rejects.toThrow(UsageError);
  await expect(openLabelledDataset(`folder:${folder},size=0`)).rejects.toThrow(/from 1 to 4096/);
});

describeWithShared('MNIST itself', 'data/mnist', (path) => {
  test('has 60,000 and 10,000 pictures', async () => {
    const { classes, splits } = await openLabelledDataset(path);
    expect(classes.length).toBe(10);
    const { train, dev, test: judged } = splits;
    expect([train, dev, judged].map(({ labels }) => labels.length)).toEqual([54000, 6000, 10000]);
    expect([...judged.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
    expect([train.height, train.width]).toEqual([28, 28]);
  });
});

describeWithShared('cluttered MNIST', 'data/cluttered-mnist', (path) => {
  test('has its own three parts', async () => {
    const set = await openLabelledDataset(join(path, 'mnist_sequence1_sample_5distortions5x5.npz'));
    const { train, dev, test: judged } = set.splits;
    expect([train, dev, judged].map(({ labels }) => labels.length)).toEqual([10000, 1000, 1000]);
    expect([train.height, train.width]).toEqual([40, 40]);
    expect([...train.labels.subarray(0, 4)]).toEqual([9, 9, 0, 8]);
  });
});
