// SqueezeNet 1.0 on a batch in Glimpse, called as the peers are:
//
//   node bench/squeezenet-step.mjs <manifest.json> [--warmup 3] [--repeats 10]
import { squeezenet } from './glimpse.mjs';
import { readInputs, reportWork } from './step.mjs';

const { x, ...parameters } = readInputs();
const run = () => squeezenet(x, parameters).logits;

reportWork(
  () => run().dataSync(),
  () => {
    const logits = run();
    return {
      loss: logits.dataSync().reduce((sum, value) => sum + value, 0),
      gradients: { logits },
    };
  },
);
