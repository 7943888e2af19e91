// Captions from stored features: an LSTM captioner with random weights says what 1000 images show.
//
//   node bench/decoding.mjs [--images 1000] [--batch 100] [--rounds 3]
//
// None ends before its longest length, so every step has all rows: 11 words and `<END>` are the mean
// of Flickr8k, which here all captions take; 30 are the longest that is asked for by default. Timed
// is all of it: features in, hypotheses with their log-probabilities (and attention) out.
import { Vocabulary } from '../dist/data/text/vocabulary.js';
import { captionerModel, decode } from '../dist/decoding/index.js';
import { Captioner, engine, Random, randomNormal, scope, tensor } from './glimpse.mjs';
import { inScope, machine, median, numberOption, publish, table } from './tools.mjs';

const images = numberOption('images', 1000);
const batch = numberOption('batch', 100);
const rounds = numberOption('rounds', 3);
const [D, W, H, V] = [512, 256, 512, 2540];
/** Places of a grid of features, where there is attention. */
const locations = [7, 7];
const [START, END] = [1, 2];
/** Seconds for beam 5 on 2 cores. */
const target = 10;

const random = new Random(1);
const words = Array.from({ length: V - 4 }, (_, index) => `w${index}`);
const vocabulary = Vocabulary.fromJSON({
  words: ['<NULL>', '<START>', '<END>', '<UNK>', ...words],
});

/** A captioner and its images, of vectors or, with attention, of grids. */
function subject(attention) {
  const sizes = { featureSize: D, embeddingSize: W, hiddenSize: H, vocabularySize: V };
  const captioner = new Captioner(
    { cell: 'lstm', ...sizes, ...(attention && { attention }) },
    { random },
  );
  const { embedding, vocabulary: output } = captioner.parameters;
  // Larger than the initial weights, as training makes them: so words differ in probability.
  embedding.W.assign(randomNormal(random, [V, W], 1).dataSync());
  output.W.assign(randomNormal(random, [H, V], 0.25).dataSync());
  output.b.slice(END, END + 1).fill(-1000);
  const [rows, columns] = locations;
  const shape = attention ? [images, rows * columns, D] : [images, D];
  return {
    captioner,
    model: captionerModel(captioner, vocabulary),
    features: randomNormal(random, shape),
  };
}

const vectors = subject();
const grids = subject({ kind: 'additive', locations, valueSize: H, size: H });

async function decodeAll({ model, features }, options) {
  const draws = new Random(1);
  const found = [];
  for (let start = 0; start < images; start += batch) {
    const some = features.slice(start, Math.min(images, start + batch));
    found.push(...(await decode(model, some, { maxLength: 12, ...options }, draws)));
  }
  return found;
}

/** Largest relative difference between a batch's log-probability and the loss of its captions. */
function disagreement({ captioner, features }, found) {
  let worst = 0;
  for (let start = 0; start < images; start += batch) {
    const firsts = found.slice(start, start + batch).map(([first]) => first);
    const some = features.slice(start, start + firsts.length);
    const captions = firsts.map(({ words }) => [START, ...words]);
    const loss = inScope(scope, () =>
      captioner.forward(captioner.parameters, some, tensor(captions, { dtype: 'i32' })).item(),
    );
    const said = -firsts.reduce((sum, one) => sum + one.logProbability, 0) / firsts.length;
    worst = Math.max(worst, Math.abs(loss - said) / loss);
  }
  return worst;
}

const beam = { decoder: 'beam', beam: 5 };
const runs = [
  ['greedy', vectors, {}],
  ['beam 5', vectors, beam],
  ['beam 5, additive attention', grids, beam],
  ['beam 6 in 3 groups', vectors, { ...beam, beam: 6, diverseGroups: 3 }],
  ['beam 5, no trigram twice', vectors, { ...beam, blockNgrams: 3 }],
  ['sample', vectors, { decoder: 'sample' }],
  ['sample, top 20', vectors, { decoder: 'sample', topK: 20 }],
  ['sample, nucleus 0.9', vectors, { decoder: 'sample', topP: 0.9 }],
  ['beam 5, 30 words', vectors, { ...beam, maxLength: 30 }],
];
const before = machine();
const figures = [];
for (const [name, who, options] of runs) {
  const found = await decodeAll(who, options);
  const difference = disagreement(who, found);
  const [seconds, shares] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    const products = [];
    for (let start = 0; start < images; start += batch) {
      const some = who.features.slice(start, Math.min(images, start + batch));
      // Decoding takes no turns with anything else: it is done when the call returns.
      const { products: cost } = engine().profileProducts(() =>
        decode(who.model, some, { maxLength: 12, ...options }, new Random(1)),
      );
      products.push(cost.milliseconds);
    }
    const elapsed = performance.now() - begin;
    seconds.push(elapsed / 1000);
    shares.push(products.reduce((sum, one) => sum + one, 0) / elapsed);
  }
  const lengths = found.map(([first]) => first.words.length);
  const length = lengths.reduce((sum, one) => sum + one, 0) / images;
  figures.push({
    name,
    seconds: median(seconds),
    all: seconds,
    share: median(shares),
    length,
    difference,
  });
}

const { blas } = engine();
console.log(`\nCaptions of ${images} images, ${batch} at a time: LSTM, H = ${H}, V = ${V}, f32`);
console.log(`  products: ${blas ? `${blas.name}, ${blas.threads()} threads` : 'SIMD kernel'}`);
console.log(
  table(
    ['', 'seconds', 'in products', 'words', 'against the loss'],
    figures.map(({ name, seconds, share, length, difference }) => [
      name,
      seconds.toFixed(2),
      `${(100 * share).toFixed(0)} %`,
      length.toFixed(1),
      difference.toExponential(0),
    ]),
  ),
);
for (const { name, seconds } of figures.filter(({ name }) => name.startsWith('beam 5'))) {
  console.log(`  ${name}: ${seconds.toFixed(2)} s, target ${target} s for 1000 images on 2 cores`);
}
console.log(`  load ${before.load} before, ${machine().load} after`);
const wrong = figures.filter(({ difference }) => !(difference < 1e-5));
if (wrong.length > 0) {
  console.log(
    `  FAILED: the log-probabilities are not those of the loss: ${wrong.map(({ name }) => name).join(', ')}`,
  );
  process.exitCode = 1;
}
publish({ machine: before, images, batch, figures });
