// One training step of the LSTM captioner in Glimpse, called as the peers are:
//
//   node bench/captioner-step.mjs <manifest.json> [--warmup 3] [--repeats 10]
//
// GLIMPSE_BLAS=off takes the matrix products from the SIMD kernel, which runs one thread.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Captioner, engine, scope, Tensor } from './glimpse.mjs';
import { inScope, numberOption } from './tools.mjs';

const manifestPath = process.argv[2];
const p = {};
for (const [name, { dtype, shape, file }] of Object.entries(
  JSON.parse(readFileSync(manifestPath, 'utf8')),
)) {
  const bytes = readFileSync(join(dirname(manifestPath), file));
  p[name] = Tensor.fromBytes(dtype === 'int32' ? 'i32' : 'f32', shape, bytes);
}
const [featureSize, hiddenSize] = p.Wproj.shape;
const [vocabularySize, embeddingSize] = p.Wembed.shape;
const model = new Captioner(
  { cell: 'lstm', featureSize, embeddingSize, hiddenSize, vocabularySize },
  {
    parameters: {
      vision: {},
      projection: { W: p.Wproj, b: p.bproj },
      embedding: { W: p.Wembed },
      cell: { Wx: p.Wx, Wh: p.Wh, b: p.b },
      vocabulary: { W: p.Wvocab, b: p.bvocab },
    },
  },
);

function step() {
  return inScope(scope, () => model.loss(p.features, p.captions).loss.item());
}

for (let run = 0; run < numberOption('warmup', 3); run++) step();
const milliseconds = [];
const products = [];
for (let run = 0; run < numberOption('repeats', 10); run++) {
  const begin = performance.now();
  const profiled = engine().profileProducts(step);
  milliseconds.push(performance.now() - begin);
  products.push(profiled.products);
}

inScope(scope, () => {
  const { loss, gradients } = model.loss(p.features, p.captions);
  const { projection, embedding, cell, vocabulary } = gradients;
  const named = {
    Wproj: projection.W,
    bproj: projection.b,
    Wembed: embedding.W,
    ...cell,
    Wvocab: vocabulary.W,
    bvocab: vocabulary.b,
  };
  const { blas } = engine();
  console.log(
    JSON.stringify({
      peer: blas ? 'glimpse' : 'glimpse without BLAS',
      threads: blas?.threads() ?? 1,
      blas: blas?.name ?? null,
      milliseconds,
      products,
      loss: loss.item(),
      gradients: Object.fromEntries(
        Object.entries(named).map(([name, gradient]) => [name, summary(gradient.dataSync())]),
      ),
    }),
  );
});

/** Enough of a gradient to see whether two peers agree. */
function summary(values) {
  return {
    count: values.length,
    sum_of_squares: values.reduce((sum, value) => sum + value * value, 0),
    first: Array.from(values.subarray(0, 8)),
  };
}
