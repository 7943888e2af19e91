// Convolutions against PyTorch and onnxruntime: a 3 x 3 layer and an ST-CNN forward and backward, and
// SqueezeNet 1.0 on one photo and on many. First that all compute the same, then how long each takes.
//
//   node bench/convolution.mjs [--rounds 3] [--repeats 5] [--only classifier]
import { writeClassifier } from './classifier-inputs.mjs';
import { layer, writeLayer, writeSqueezenet } from './convolution-inputs.mjs';
import { here, machine, numberOption, publish, runForJson, wordOption } from './tools.mjs';
import { against, inTurns, node, report, torchVariants } from './turns.mjs';

/** What the project set out to reach: against PyTorch in training, against onnxruntime in inference. */
const targets = { torch: 1, onnxruntime: 0.7 };

const rounds = numberOption('rounds', 3);
const repeats = numberOption('repeats', 5);
const { cores } = machine();

const threads = { GLIMPSE_THREADS: 'auto' };
const ours = (script, key, label, environment) => ({
  key,
  label,
  run: (manifest) => node(script, manifest, repeats, environment),
});
const onnxruntime = {
  key: 'onnxruntime',
  label: 'onnxruntime-node',
  run: (manifest) => {
    const counts = ['--warmup', '2', '--repeats', String(repeats), '--threads', String(cores)];
    const script = here('peers/squeezenet_onnx.mjs');
    return runForJson(process.execPath, [script, manifest, ...counts]);
  },
};

/** Runs one comparison and says how we stand against the best of each peer. */
async function compare({ title, competitors, write }) {
  const entries = await inTurns(competitors, rounds, write);
  const { text, data, agree } = report(
    `\n${title}, f32, ${rounds} rounds of everybody in turn, milliseconds`,
    entries,
    ({ own, products: { share }, best }) => {
      const lines = [`  ${(100 * share).toFixed(1)} % of it inside the product`];
      for (const key of ['torch', 'onnxruntime']) {
        const peer = best(key);
        const target = key === 'torch' && title.startsWith('SqueezeNet') ? undefined : targets[key];
        if (peer) lines.push(against(peer, own, ` at its best (${peer.label})`, target));
      }
      return lines;
    },
  );
  console.log(text);
  if (!agree) process.exitCode = 1;
  return data;
}

/** Forward and backward, of what `step` and the peer compute. */
function training(step, peer) {
  return [
    ours(step, 'glimpse', 'glimpse'),
    ours(step, 'threads', 'glimpse, GLIMPSE_THREADS=auto', threads),
    ours(step, 'simd', 'glimpse without BLAS', { GLIMPSE_BLAS: 'off' }),
    ...torchVariants(peer, repeats),
  ];
}

const { N, C, F, H, W } = layer;
const squeezenet = (photos) => ({
  title: `SqueezeNet 1.0, ${photos} photo${photos > 1 ? 's' : ''} of 224 x 224, inference`,
  competitors: [
    ours('squeezenet-step.mjs', 'glimpse', 'glimpse'),
    ours('squeezenet-step.mjs', 'threads', 'glimpse, GLIMPSE_THREADS=auto', threads),
    ...torchVariants('squeezenet_torch', repeats),
    onnxruntime,
  ],
  write: (folder) => writeSqueezenet(folder, photos),
});
const comparisons = {
  layer: {
    title: `3 x 3 convolution, forward and backward: N=${N} C=${C} F=${F} H=${H} W=${W}`,
    competitors: training('convolution-step.mjs', 'convolution_torch'),
    write: (folder) => writeLayer(folder),
  },
  classifier: {
    title:
      'ST-CNN, affine, forward and backward: 128 pictures of 42 x 42, 28 x 28 through the window',
    competitors: training('classifier-step.mjs', 'classifier_torch'),
    write: (folder) => writeClassifier(folder),
  },
  squeezenet1: squeezenet(1),
  squeezenet32: squeezenet(32),
};
const figures = {};
for (const name of wordOption('only', Object.keys(comparisons))) {
  figures[name] = await compare(comparisons[name]);
}
publish({ machine: machine(), rounds, ...figures });
