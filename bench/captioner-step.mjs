// One training step of the LSTM captioner in Glimpse, called as the peers are:
//
//   node bench/captioner-step.mjs <manifest.json> [--warmup 3] [--repeats 10]
//
// GLIMPSE_BLAS=off takes the matrix products from the SIMD kernel, which runs GLIMPSE_THREADS of them (one).
import { Captioner } from './glimpse.mjs';
import { asThePeers, readInputs, reportStep } from './step.mjs';

const p = readInputs();
const [featureSize, hiddenSize] = p.Wproj.shape;
const [vocabularySize, embeddingSize] = p.Wembed.shape;
const model = new Captioner(
  {
    cell: 'lstm',
    featureSize,
    embeddingSize,
    hiddenSize,
    vocabularySize,
    ...asThePeers,
  },
  {
    parameters: {
      cnn: {},
      values: {},
      projection: { W: p.Wproj, b: p.bproj },
      memory: {},
      embedding: { W: p.Wembed },
      attention: {},
      cell: { Wx: p.Wx, Wh: p.Wh, b: p.b },
      output: {},
      layers: {},
      norms: {},
      vocabulary: { W: p.Wvocab, b: p.bvocab },
    },
  },
);

reportStep(model, p, ({ projection, embedding, cell, vocabulary }) => ({
  Wproj: projection.W,
  bproj: projection.b,
  Wembed: embedding.W,
  ...cell,
  Wvocab: vocabulary.W,
  bvocab: vocabulary.b,
}));
