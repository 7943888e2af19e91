// SqueezeNet 1.0 on a batch in Glimpse, called as the peers are:
//
//   node bench/squeezenet-step.mjs <manifest.json> [--warmup 3] [--repeats 10]
import { squeezenet } from './glimpse.mjs';
import { readInputs, reportWork } from './step.mjs';

const { x, ...leaves } = readInputs();
/** `features.0.weight` of the peers' state dict is W of the layer `features.0`. */
const parameters = {};
for (const [name, leaf] of Object.entries(leaves)) {
  const layer = name.replace(/\.(weight|bias)$/, '');
  parameters[layer] = { ...parameters[layer], [name.endsWith('.weight') ? 'W' : 'b']: leaf };
}
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
