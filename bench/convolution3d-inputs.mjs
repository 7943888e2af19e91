// The shapes and inputs of the bench of 3-D convolutions.
import { normal, writeManifest } from './captioner-inputs.mjs';
import { Random } from './glimpse.mjs';

/** x (N, C, T, H, W) and W (F, C / groups, KT, KH, KW). */
export const layers = {
  c3d: {
    title: 'C3D, second layer',
    x: [8, 64, 16, 56, 56],
    W: [128, 64, 3, 3, 3],
    options: { padding: 1 },
  },
  'c3d-28': {
    title: 'C3D, third layer',
    x: [8, 128, 8, 28, 28],
    W: [256, 128, 3, 3, 3],
    options: { padding: 1 },
  },
  'c3d-1': {
    title: 'C3D, second layer, one clip',
    x: [1, 64, 16, 56, 56],
    W: [128, 64, 3, 3, 3],
    options: { padding: 1 },
  },
  'c3d-f64': {
    title: 'C3D, third layer, f64',
    x: [2, 128, 8, 28, 28],
    W: [256, 128, 3, 3, 3],
    options: { padding: 1 },
    dtype: 'f64',
  },
  stride: {
    title: 'R3D, with stride 2',
    x: [8, 64, 8, 56, 56],
    W: [128, 64, 3, 3, 3],
    options: { padding: 1, stride: 2 },
  },
  space: {
    title: 'R(2+1)D, in space',
    x: [8, 64, 8, 56, 56],
    W: [144, 64, 1, 3, 3],
    options: { padding: [0, 1, 1] },
  },
  time: {
    title: 'R(2+1)D, in time',
    x: [8, 144, 8, 56, 56],
    W: [64, 144, 3, 1, 1],
    options: { padding: [1, 0, 0] },
  },
  point: {
    title: '1 x 1 x 1',
    x: [8, 128, 8, 28, 28],
    W: [256, 128, 1, 1, 1],
    options: {},
  },
  depthwise: {
    title: 'a filter for every channel',
    x: [8, 128, 8, 28, 28],
    W: [128, 1, 3, 3, 3],
    options: { padding: 1, groups: 128 },
  },
  ji: {
    title: "Ji's first layer, one channel",
    x: [64, 1, 7, 60, 40],
    W: [2, 1, 3, 7, 7],
    options: {},
  },
  'ji-3': {
    title: "Ji's first layer, three channels apart",
    x: [64, 3, 7, 60, 40],
    W: [6, 1, 3, 7, 7],
    options: { groups: 3 },
  },
  'ji-2': {
    title: "Ji's second layer, six maps apart",
    x: [64, 6, 5, 27, 17],
    W: [18, 1, 3, 7, 6],
    options: { groups: 6 },
  },
};

/** x, filters and a cotangent of the result. The bias keeps the loss away from 0. */
export function writeLayer3d(folder, { x, W, options }) {
  const random = new Random(0);
  const [F, ...filter] = W;
  const { stride = 1, padding = 0 } = options;
  const of = (extent, i) => (typeof extent === 'number' ? extent : extent[i]);
  const places = [0, 1, 2].map((i) => {
    const room = x[2 + i] + 2 * of(padding, i) - W[2 + i];
    return Math.floor(room / of(stride, i)) + 1;
  });
  const b = normal(random, 0.1, F);
  const dy = normal(random, 1, x[0], F, ...places);
  return writeManifest(folder, {
    x: normal(random, 1, ...x),
    W: normal(random, filter.reduce((a, b) => a * b) ** -0.5, ...W),
    b: { ...b, values: b.values.map((value) => 1 + value) },
    dy: { ...dy, values: dy.values.map(Math.abs) },
  });
}
