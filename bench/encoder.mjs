// How many photos a second SqueezeNet 1.0 turns into features, with and without decoding them.
//
//     npm run build && node bench/encoder.mjs [folder with weights/ and data/flickr8k/] [photos]
//
// The folder is GLIMPSE_SHARED or ../shared when it is not named. Before anything is timed, the
// features of the reference photos are compared with PyTorch's. Prints text, and JSON in the last
// line. Each figure is the best of several rounds: other work on the machine only ever slows it.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPixels } from '../dist/data/pictures/photos.js';
import { preprocess } from '../dist/data/pictures/preprocessing.js';
import { engine } from '../dist/engine/engine.js';
import { extractFeatures } from '../dist/features/extract.js';
import { openFeatures } from '../dist/features/open-features.js';
import { openEncoder } from '../dist/models/encoders/open-file.js';

const shared = process.argv[2] ?? process.env.GLIMPSE_SHARED ?? '../shared';
const count = Number(process.argv[3] ?? 240);
const rounds = 3;
const folder = join(shared, 'data/flickr8k/Flicker8k_Dataset');
const encoder = await openEncoder(join(shared, 'weights/squeezenet1_0.safetensors'));
const work = mkdtempSync(join(tmpdir(), 'glimpse-bench-'));

try {
  const photos = readdirSync(folder)
    .slice(0, count)
    .map((id) => ({ id, image: { path: join(folder, id) } }));
  const error = await worstError();
  if (!(error < 1e-4)) throw new Error(`the features differ from PyTorch's by ${error}`);

  const forward = await forwardRate(photos.slice(0, 64));
  const whole = await best(() => extractFeatures(photos, encoder, { out: join(work, 'pooled') }));
  const grids = await best(() =>
    extractFeatures(photos, encoder, { out: join(work, 'grid'), grid: true }),
  );
  const { blas, productEngine } = engine();
  const result = {
    bench: 'encoder',
    network: encoder.name,
    products: blas ? `${blas.name}, ${blas.threads()} threads` : productEngine,
    photos: photos.length,
    worstRelativeError: error,
    photosPerSecond: {
      forward: forward.rate,
      withDecoding: photos.length / whole,
      withDecodingAndGrids: photos.length / grids,
    },
    millisecondsPerPhoto: forward.milliseconds,
  };
  const { photosPerSecond: rate, millisecondsPerPhoto: spent } = result;
  console.log(
    `${encoder.name} by ${result.products}: features within ${error.toExponential(1)} of PyTorch's`,
  );
  console.log(`  forward pass alone           ${rate.forward.toFixed(1)} photos/s`);
  console.log(
    `    ${Object.entries(spent)
      .map(([part, ms]) => `${part} ${ms.toFixed(1)} ms`)
      .join(', ')} a photo`,
  );
  console.log(`  JPEG to feature file         ${rate.withDecoding.toFixed(1)} photos/s`);
  console.log(`  the same with grids          ${rate.withDecodingAndGrids.toFixed(1)} photos/s`);
  console.log(JSON.stringify(result));
} finally {
  rmSync(work, { recursive: true });
}

/** Largest |ours - PyTorch's| of the reference photos' features, as a part of the largest value. */
async function worstError() {
  const reference = JSON.parse(
    readFileSync(new URL('../test/fixtures/squeezenet.json', import.meta.url), 'utf8'),
  );
  const expected = Object.entries(reference).filter(([, { kind }]) => kind === 'photo');
  const out = join(work, 'reference');
  const photos = expected.map(([id]) => ({ id, image: { path: join(folder, id) } }));
  await extractFeatures(photos, encoder, { out });
  const features = await openFeatures(out);
  let worst = 0;
  for (const [id, { pooled }] of expected) {
    const actual = features.pooled([id]);
    const largest = Math.max(...pooled.data);
    for (const [i, value] of pooled.data.entries()) {
      const error = Math.abs(actual[i] - value) / largest;
      if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    }
  }
  return worst;
}

async function forwardRate(photos) {
  const size = 3 * encoder.preprocessing.width * encoder.preprocessing.height;
  const batch = new Float32Array(photos.length * size);
  for (const [n, { image }] of photos.entries()) {
    preprocess(
      await loadPixels(image, encoder.preprocessing),
      encoder.preprocessing,
      batch,
      n * size,
    );
  }
  const seconds = await best(() => encoder.encode(batch, photos.length));
  const one = batch.subarray(0, size);
  let total = Number.POSITIVE_INFINITY;
  let products = 0;
  for (let round = 0; round < 20; round++) {
    const start = performance.now();
    const profile = engine().profileProducts(() => encoder.encode(one, 1));
    const took = performance.now() - start;
    await profile.result;
    if (took >= total) continue;
    total = took;
    products = profile.products.milliseconds;
  }
  return {
    rate: photos.length / seconds,
    milliseconds: { total, products, 'everything else': total - products },
  };
}

async function best(work) {
  let seconds = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await work();
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return seconds;
}
