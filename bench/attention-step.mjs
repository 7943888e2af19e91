// One training step of an LSTM captioner with additive attention in Glimpse, called as the peers are:
//
//   node bench/attention-step.mjs <manifest.json> [--warmup 3] [--repeats 10]
//
// GLIMPSE_BLAS=off takes the matrix products from the SIMD kernel, which runs GLIMPSE_THREADS of them (one).
import { Captioner } from './glimpse.mjs';
import { asThePeers, readInputs, reportStep } from './step.mjs';

const p = readInputs();
const [featureSize, valueSize] = p.Wvalues.shape;
const [hiddenSize, size] = p.Wq.shape;
const [vocabularySize, embeddingSize] = p.Wembed.shape;
// Where the places lie is no matter to additive attention, only how many there are.
const locations = [1, p.features.shape[1]];
const model = new Captioner(
  {
    cell: 'lstm',
    featureSize,
    embeddingSize,
    hiddenSize,
    vocabularySize,
    ...asThePeers,
    attention: { kind: 'additive', size, valueSize, locations },
  },
  {
    parameters: {
      cnn: {},
      values: { W: p.Wvalues, b: p.bvalues },
      projection: { W: p.Wproj, b: p.bproj },
      memory: { W: p.Wmemory, b: p.bmemory },
      embedding: { W: p.Wembed },
      attention: { Wk: p.Wk, Wq: p.Wq, b: p.bq, v: p.v },
      cell: { Wx: p.Wx, Wz: p.Wz, Wh: p.Wh, b: p.b },
      output: {},
      layers: {},
      norms: {},
      vocabulary: { W: p.Wvocab, b: p.bvocab },
    },
  },
);

reportStep(model, p, ({ values, projection, memory, embedding, attention, cell, vocabulary }) => ({
  Wvalues: values.W,
  bvalues: values.b,
  Wproj: projection.W,
  bproj: projection.b,
  Wmemory: memory.W,
  bmemory: memory.b,
  Wembed: embedding.W,
  Wk: attention.Wk,
  Wq: attention.Wq,
  bq: attention.b,
  v: attention.v,
  ...cell,
  Wvocab: vocabulary.W,
  bvocab: vocabulary.b,
}));
