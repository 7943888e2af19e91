// One training step of the LSTM captioner in TensorFlow.js on its WebAssembly backend.
//
//   node bench/peers/captioner_tfjs.mjs <manifest.json> [--warmup 3] [--repeats 10]
//
// The backward pass is TensorFlow.js's own but for one op: its WebAssembly backend has no
// UnsortedSegmentSum, which the gradient of `gather` calls, so that one is written out below.

import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { getThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
// Registers the gradients, which tfjs-core's own build for Node leaves out.
import '@tensorflow/tfjs-layers';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    warmup: { type: 'string', default: '3' },
    repeats: { type: 'string', default: '10' },
  },
});

function readInputs(path) {
  const manifestPath = statSync(path).isDirectory() ? join(path, 'manifest.json') : path;
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
  const tensors = {};
  for (const [name, { dtype, shape, file }] of Object.entries(manifest)) {
    // Sliced, because a small file's Buffer may lie at an odd offset of a shared pool.
    const bytes = readFileSync(join(dirname(manifestPath), file));
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const data = dtype === 'int32' ? new Int32Array(buffer) : new Float32Array(buffer);
    tensors[name] = tf.tensor(data, shape, dtype);
  }
  return tensors;
}

/** Rows of the table; in the backward pass the rows of equal words are added up. */
const embed = tf.customGrad((table, words, save) => {
  save([words]);
  return {
    value: tf.gather(table, words),
    gradFunc: (dy, [saved]) => [
      tf.scatterND(tf.expandDims(saved, 1), dy, table.shape),
      tf.zerosLike(saved),
    ],
  };
});

/** A product whose gradients transpose explicitly, for the backend's fast path has no transposes. */
const product = tf.customGrad((a, b, save) => {
  save([a, b]);
  return {
    value: tf.matMul(a, b),
    gradFunc: (dy, [a, b]) => [tf.matMul(dy, tf.transpose(b)), tf.matMul(tf.transpose(a), dy)],
  };
});

const affine = (x, W, b) => tf.add(product(x, W), b);

/** All hidden states (N,T,H); x.Wx is one product for all time steps. */
function lstm(x, h0, Wx, Wh, b) {
  const [N, T, W] = x.shape;
  const fromInputs = tf.reshape(affine(tf.reshape(x, [N * T, W]), Wx, b), [N, T, -1]);
  let h = h0;
  let c = tf.zerosLike(h0);
  const states = tf.unstack(fromInputs, 1).map((fromInput) => {
    const [i, f, o, g] = tf.split(affine(h, Wh, fromInput), 4, 1);
    c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(c));
    return h;
  });
  return tf.stack(states, 1);
}

const NAMES = ['Wproj', 'bproj', 'Wembed', 'Wx', 'Wh', 'b', 'Wvocab', 'bvocab'];

/** The loss: -log probability of every word but padding (0), summed, divided by N. */
function captionerLoss(features, captions, Wproj, bproj, Wembed, Wx, Wh, b, Wvocab, bvocab) {
  const [N, length] = captions.shape;
  const T = length - 1;
  const wordsIn = tf.reshape(tf.slice(captions, [0, 0], [N, T]), [N * T]);
  const wordsOut = tf.reshape(tf.slice(captions, [0, 1], [N, T]), [N * T]);
  const x = tf.reshape(embed(Wembed, wordsIn), [N, T, Wembed.shape[1]]);
  const h = lstm(x, affine(features, Wproj, bproj), Wx, Wh, b);
  const scores = affine(tf.reshape(h, [N * T, h.shape[2]]), Wvocab, bvocab);
  const mask = tf.cast(tf.notEqual(wordsOut, tf.scalar(0, 'int32')), 'float32');
  const oneHot = tf.cast(tf.oneHot(wordsOut, Wvocab.shape[1]), 'float32');
  const targets = tf.mul(oneHot, tf.expandDims(mask, 1));
  return tf.mul(tf.sum(tf.mul(tf.logSoftmax(scores), targets)), -1 / N);
}

setWasmPaths(
  `${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/wasm-out/`,
);
await tf.setBackend('wasm');
await tf.ready();

const inputs = readInputs(positionals[0]);
const parameters = NAMES.map((name) => inputs[name]);
const gradientsOf = tf.valueAndGrads((...p) =>
  captionerLoss(inputs.features, inputs.captions, ...p),
);

/** Forward and backward; the WebAssembly backend computes synchronously. */
function step() {
  const { value, grads } = gradientsOf(parameters);
  const loss = value.dataSync()[0];
  value.dispose();
  return { loss, grads };
}

const milliseconds = [];
let result;
for (let run = 0; run < Number(options.warmup) + Number(options.repeats); run++) {
  if (result !== undefined) tf.dispose(result.grads);
  const begin = performance.now();
  result = step();
  if (run >= Number(options.warmup)) milliseconds.push(performance.now() - begin);
}

const gradients = {};
for (const [index, name] of NAMES.entries()) {
  const data = result.grads[index].dataSync();
  gradients[name] = {
    sum_of_squares: data.reduce((sum, value) => sum + value * value, 0),
    first: Array.from(data.subarray(0, 8)),
  };
}
console.log(
  JSON.stringify({
    peer: 'tfjs-wasm',
    version: tf.version_core,
    threads: getThreadsCount(),
    simd: await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'),
    tensors: tf.memory().numTensors,
    milliseconds,
    loss: result.loss,
    gradients,
  }),
);
