/** Formats of arrays: features, and labelled pictures. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { hdf5File, npyFile, npyRows, zipFile } from '@test/data/formats/array-files.js';
import { encodeSafetensors } from '@/data/formats/safetensors.js';
import { safetensorsTensor } from '@/data/formats/safetensors-dtypes.js';
import { openLabelledDataset } from '@/data/labels/labelled-dataset.js';
import { encodePng } from '@/data/pictures/photos.js';
import { encodeFeatureMetadata } from '@/features/feature-file.js';
import { openFeatures } from '@/features/open-features.js';
import { PartialFeatures } from '@/features/partial-features.js';
import type { Format } from './format.js';

const ids = ['a.jpg', 'b.jpg'];
const rows = npyRows([
  [1, 2],
  [3, 4],
]);
const vectors = safetensorsTensor(Float32Array.of(1, 2, 3, 4), [2, 2]);
const grids = safetensorsTensor(new Float32Array(24).fill(1), [2, 3, 2, 2]);
const encoder = { name: 'tiny', kind: 'onnx', sha256: '00', settings: {} };

/** Opens features and reads all that is in them. */
const reads = (name: string) => async (folder: string) => {
  const features = await openFeatures(join(folder, name), { order: ids });
  try {
    features.pooled(features.ids);
    if (features.gridShape) features.grid(features.ids);
  } finally {
    features.close();
  }
};

const job = { encoder: '00', photos: '11', batchSize: 2, rows: { pooled: [2] } };
const state = { job, batches: 1, rows: 1, skipped: [{ id: 'a.jpg', reason: 'is empty' }] };

export const featureFormats: readonly Format[] = [
  {
    name: 'features',
    files: () => ({
      'x.safetensors': encodeSafetensors(
        [
          ['pooled', vectors],
          ['grid', grids],
        ],
        encodeFeatureMetadata({ encoder, ids, skipped: [{ id: 'c.jpg', reason: 'is empty' }] }),
      ),
    }),
    read: reads('x.safetensors'),
  },
  {
    name: 'foreign-safetensors',
    files: () => ({ 'x.safetensors': encodeSafetensors([['x', grids]]) }),
    read: reads('x.safetensors'),
  },
  {
    name: 'npy',
    files: () => ({ 'x.npy': rows, 'x.ids.txt': 'a.jpg\nb.jpg\n' }),
    read: reads('x.npy'),
  },
  {
    name: 'npy-half',
    files: () => ({
      'x.npy': npyFile('<f2', [2, 3], new Uint16Array(6).fill(0x3c00)),
      'x.ids.json': '["a.jpg", "b.jpg"]',
    }),
    read: reads('x.npy'),
  },
  {
    name: 'npy-a-photo',
    files: () => ({ 'x/a.npy': npyRows([[1, 2]]), 'x/b.npy': npyRows([[3, 4]]) }),
    read: reads('x'),
  },
  {
    name: 'npz',
    files: () => ({
      'x.npz': zipFile({
        'features.npy': rows,
        'ids.npy': npyFile('|S5', [2], Buffer.from('a.jpgb.jpg')),
      }),
    }),
    read: reads('x.npz'),
  },
  {
    name: 'npz-a-photo',
    files: () => ({ 'x.npz': zipFile({ 'a.jpg.npy': npyRows([[1]]), 'b.npy': npyRows([[2]]) }) }),
    read: reads('x.npz'),
  },
  {
    name: 'hdf5',
    slow: true,
    files: async () => ({
      'x.h5': await hdf5File([
        { name: 'features', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      ]),
    }),
    read: reads('x.h5'),
  },
  {
    name: 'partial-features',
    files: () => ({ 'state.json': JSON.stringify(state), pooled: new Uint8Array(8).fill(1) }),
    read: async (folder) => (await PartialFeatures.open(folder, job)).close(),
  },
];

/** An IDX file of bytes: of pictures, or of their labels. */
function idx(shape: readonly number[], values: ArrayLike<number>): Buffer {
  const lengths = shape.flatMap((extent) => [0, 0, 0, extent]);
  return Buffer.from([0, 0, 8, shape.length, ...lengths, ...Array.from(values)]);
}

const labels = [0, 1, 2, 0, 1, 2, 0, 1];
const pictures = new Uint8Array(labels.length * 16).fill(200);
const cifar = (label: number) => Buffer.from([label, ...new Uint8Array(3072).fill(100)]);

export const pictureFormats: readonly Format[] = [
  {
    name: 'idx',
    files: () => ({
      'train-images-idx3-ubyte.gz': gzipSync(idx([8, 4, 4], pictures)),
      'train-labels-idx1-ubyte': idx([8], labels),
      't10k-images-idx3-ubyte': idx([8, 4, 4], pictures),
      't10k-labels-idx1-ubyte.gz': gzipSync(idx([8], labels)),
    }),
    read: (folder) => openLabelledDataset(`idx:${folder}`),
  },
  {
    name: 'cifar10',
    files: () => ({
      'data_batch_1.bin': Buffer.concat([0, 1, 2, 3].map(cifar)),
      'data_batch_2.bin': Buffer.concat([4, 5, 6, 7].map(cifar)),
      'test_batch.bin': cifar(9),
      'batches.meta.txt': 'a b c d e f g h i j'.replaceAll(' ', '\n'),
    }),
    read: (folder) => openLabelledDataset(`cifar10:${folder}`),
  },
  {
    name: 'npz-pictures',
    files: () => ({
      'x.npz': zipFile({
        'images.npy': npyFile('|u1', [8, 4, 4], pictures),
        'labels.npy': npyFile('|u1', [8], labels),
      }),
    }),
    read: (folder) => openLabelledDataset(`npz:${join(folder, 'x.npz')}`),
  },
  {
    name: 'class-folders',
    files: async () => {
      const data = new Uint8Array(3 * 64).fill(90);
      const png = await encodePng({ width: 8, height: 8, channels: 3, data });
      const names = [1, 2, 3, 4].flatMap((number) => [`cats/${number}.png`, `dogs/${number}.png`]);
      return Object.fromEntries(names.map((name) => [name, png]));
    },
    read: (folder) => openLabelledDataset(`folder:${folder},size=8`),
  },
];
