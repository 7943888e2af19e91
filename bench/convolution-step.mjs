// One 3 x 3 convolution, forward and backward, in Glimpse, called as the peers are:
//
//   node bench/convolution-step.mjs <manifest.json> [--warmup 3] [--repeats 10]
import { conv2dBackward, conv2dForward } from './glimpse.mjs';
import { readInputs, reportWork } from './step.mjs';

const { x, W, b, dy } = readInputs();
const cotangent = dy.dataSync();

function run() {
  const { y, cache } = conv2dForward(x, W, b, { padding: 1 });
  const { dx, dW, db } = conv2dBackward(dy, cache);
  return { y, gradients: { x: dx, W: dW, b: db } };
}

reportWork(run, () => {
  const { y, gradients } = run();
  const loss = y.dataSync().reduce((sum, value, i) => sum + value * cotangent[i], 0);
  return { loss, gradients };
});
