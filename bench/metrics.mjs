// How long scoring takes: 1000 images with 5 references each, and CIDEr-D as a reward in batches.
//
//   node bench/metrics.mjs                 generated captions of Flickr8k's length and vocabulary
//   node bench/metrics.mjs --repeats 9
//
// First the scores have to agree with the reference values of test/fixtures/scores.json.
import { readFileSync } from 'node:fs';
import { CiderScorer, ptbTokenize, scoreCaptions } from '../dist/metrics/index.js';
import { Random } from '../dist/random.js';
import { here, median, numberOption, publish, table } from './tools.mjs';

const IMAGES = 1000;
const BATCH = 64;
const repeats = numberOption('repeats', 5);

proveRight();

const { candidates, references } = captions(new Random(1));
const scoring = seconds(() => scoreCaptions(candidates, references));
const withMeteor = seconds(() =>
  scoreCaptions(candidates, references, { meteor: 'without-synonyms' }),
);
const texts = [...candidates.values(), ...[...references.values()].flat()];
const tokenizing = seconds(() => texts.map(ptbTokenize));
const punctuated = texts.map((text) => `"${text.replace(/ (\w+)$/, "'s (t-shirt), $1!")}"`);
const tokenizingHard = seconds(() => punctuated.map(ptbTokenize));

const words = [...references.values()].map((list) => list.map(ptbTokenize));
const preparing = seconds(() => new CiderScorer(words));
const scorer = new CiderScorer(words);
const spoken = [...candidates.values()].map(ptbTokenize);
const batches = Array.from({ length: 200 }, (_, batch) => {
  const images = Array.from({ length: BATCH }, (_, i) => (batch * BATCH + i) % IMAGES);
  return { images, captions: images.map((image) => spoken[(image + batch) % IMAGES]) };
});
const rewarding = seconds(() => {
  for (const { captions, images } of batches) scorer.scores(captions, images);
});

const figures = {
  scoreCaptionsSeconds: scoring,
  scoreCaptionsWithMeteorSeconds: withMeteor,
  tokenizedCaptionsPerSecond: texts.length / tokenizing,
  tokenizedHardCaptionsPerSecond: texts.length / tokenizingHard,
  ciderPrepareSeconds: preparing,
  ciderCaptionsPerSecond: (batches.length * BATCH) / rewarding,
};
console.log(`${IMAGES} images, 5 references each, median of ${repeats}`);
console.log(
  table(
    ['what', 'time', 'captions a second'],
    [
      ['scoreCaptions: tokens, BLEU, ROUGE-L, CIDEr', ms(scoring), rate(texts.length / scoring)],
      ['the same with METEOR, no synonyms', ms(withMeteor), rate(texts.length / withMeteor)],
      ['tokenizer', ms(tokenizing), rate(texts.length / tokenizing)],
      ['tokenizer, quotes and brackets', ms(tokenizingHard), rate(texts.length / tokenizingHard)],
      ['CiderScorer: prepare the references', ms(preparing), rate((5 * IMAGES) / preparing)],
      [
        `CiderScorer.scores, batches of ${BATCH}`,
        ms(rewarding / batches.length),
        rate((batches.length * BATCH) / rewarding),
      ],
    ],
  ),
);
if (scoring > 2) {
  console.log('  missed: scoring 1000 images in under 2 s');
  process.exitCode = 1;
}
publish(figures);

function seconds(work) {
  work();
  const times = Array.from({ length: repeats }, () => {
    const start = performance.now();
    work();
    return (performance.now() - start) / 1000;
  });
  return median(times);
}

function ms(time) {
  return `${(1000 * time).toFixed(1)} ms`;
}

function rate(perSecond) {
  return Math.round(perSecond).toLocaleString('en');
}

/** Captions of 6 to 14 words, frequent words much more often than rare ones (Zipf, 3000 words). */
function captions(random) {
  const vocabulary = Array.from({ length: 3000 }, (_, i) =>
    `w${i.toString(36)}`.replace(/\d/g, 'x'),
  );
  const word = () => vocabulary[Math.floor(3000 ** random.uniform()) - 1];
  const sentence = () => {
    return Array.from({ length: 6 + Math.floor(9 * random.uniform()) }, word).join(' ');
  };
  const varied = (text) => text.replace(/\w+/g, (own) => (random.uniform() < 0.4 ? word() : own));
  const images = Array.from({ length: IMAGES }, (_, i) => [String(i), sentence()]);
  return {
    candidates: new Map(images.map(([id, base]) => [id, varied(base)])),
    references: new Map(
      images.map(([id, base]) => [id, Array.from({ length: 5 }, () => `${varied(base)} .`)]),
    ),
  };
}

function proveRight() {
  const path = here('../test/fixtures/scores.json');
  const { ordinary } = JSON.parse(readFileSync(path, 'utf8'));
  const scores = scoreCaptions(
    Object.fromEntries(ordinary.sets.map(({ candidate }, i) => [i, candidate])),
    Object.fromEntries(ordinary.sets.map(({ references }, i) => [i, references])),
    { tokenize: (text) => text.split(' ') },
  );
  for (const [name, expected] of [
    ['cider', ordinary.cider],
    ['rougeL', ordinary.rougeL],
    ['bleu4', ordinary.bleu[3]],
  ]) {
    if (Math.abs(scores[name] - expected) < 1e-6) continue;
    console.error(`${name} is ${scores[name]}, the reference says ${expected}: nothing is timed`);
    process.exit(1);
  }
}
