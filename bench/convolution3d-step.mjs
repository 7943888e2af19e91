// One 3-D convolution, forward and backward apart, in Glimpse, called as the peer is:
//
//   node bench/convolution3d-step.mjs <manifest.json> --layer c3d [--warmup 3] [--repeats 10]
import { layers } from './convolution3d-inputs.mjs';
import { conv3dBackward, conv3dForward, engine, scope, tensor } from './glimpse.mjs';
import { readInputs, summary } from './step.mjs';
import { inScope, numberOption, wordOption } from './tools.mjs';

const [name] = wordOption('layer', Object.keys(layers));
const { options, dtype = 'f32' } = layers[name];
const inputs = Object.entries(readInputs()).map(([key, input]) => {
  if (dtype === 'f32') return [key, input];
  return [key, tensor(Float64Array.from(input.dataSync()), { shape: input.shape, dtype })];
});
const { x, W, b, dy } = Object.fromEntries(inputs);

/** One pass in either direction, and what each took. */
function run() {
  const begin = performance.now();
  const { y, cache } = conv3dForward(x, W, b, options);
  const between = performance.now();
  const { dx, dW, db } = conv3dBackward(dy, cache);
  const end = performance.now();
  return { y, gradients: { x: dx, W: dW, b: db }, took: [between - begin, end - between] };
}

for (let i = 0; i < numberOption('warmup', 3); i++) inScope(scope, run);
const times = [];
for (let i = 0; i < numberOption('repeats', 10); i++) {
  times.push(inScope(scope, () => run().took));
}
inScope(scope, () => {
  const { y, gradients } = run();
  const cotangent = dy.dataSync();
  const { blas } = engine();
  console.log(
    JSON.stringify({
      peer: blas ? 'glimpse' : 'glimpse without BLAS',
      blas: blas?.name ?? null,
      threads: Math.max(blas?.threads() ?? 1, engine().threads),
      forward: times.map(([forward]) => forward),
      backward: times.map(([, backward]) => backward),
      loss: y.dataSync().reduce((sum, value, i) => sum + value * cotangent[i], 0),
      gradients: Object.fromEntries(
        Object.entries(gradients).map(([key, values]) => [key, summary(values.dataSync())]),
      ),
    }),
  );
});
