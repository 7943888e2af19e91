// Convolutions against PyTorch and onnxruntime: a 3 x 3 layer forward and backward, and SqueezeNet 1.0 on
// one photo and on many. First that all compute the same, then how long each takes.
//
//   node bench/convolution.mjs [--rounds 3] [--repeats 5]
import { layer, writeLayer, writeSqueezenet } from './convolution-inputs.mjs';
import { here, machine, numberOption, publish, runForJson } from './tools.mjs';
import { against, inTurns, node, report, torchVariants } from './turns.mjs';

/** What the project set out to reach: against PyTorch in training, against onnxruntime in inference. */
const targets = { torch: 1, onnxruntime: 0.7 };

const rounds = numberOption('rounds', 3);
const repeats = numberOption('repeats', 5);
const { cores } = machine();

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
async function compare(title, competitors, write) {
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

const { N, C, F, H, W } = layer;
const figures = {
  layer: await compare(
    `3 x 3 convolution, forward and backward: N=${N} C=${C} F=${F} H=${H} W=${W}`,
    [
      ours('convolution-step.mjs', 'glimpse', 'glimpse'),
      ours('convolution-step.mjs', 'simd', 'glimpse without BLAS', { GLIMPSE_BLAS: 'off' }),
      ...torchVariants('convolution_torch', repeats),
    ],
    (folder) => writeLayer(folder),
  ),
};
for (const photos of [1, 32]) {
  figures[`squeezenet${photos}`] = await compare(
    `SqueezeNet 1.0, ${photos} photo${photos > 1 ? 's' : ''} of 224 x 224, inference`,
    [
      ours('squeezenet-step.mjs', 'glimpse', 'glimpse'),
      ...torchVariants('squeezenet_torch', repeats),
      onnxruntime,
    ],
    (folder) => writeSqueezenet(folder, photos),
  );
}
publish({ machine: machine(), rounds, ...figures });
