// One training step of an ST-CNN, forward and backward, in Glimpse, called as the peers are:
//
//   node bench/classifier-step.mjs <manifest.json> [--warmup 3] [--repeats 10]
import { classifier } from './classifier-inputs.mjs';
import {
  classify,
  fullClassifier,
  planClassifier,
  softmaxLoss,
  valueAndGradients,
} from './glimpse.mjs';
import { readInputs, reportWork } from './step.mjs';

const { x, labels, ...flat } = readInputs();
const plan = planClassifier(fullClassifier(classifier));
const parameters = { network: {}, transformers: { transformer1: {} } };
for (const [name, value] of Object.entries(flat)) {
  const [part, layer, leaf] = name.split('.');
  const tree = part === 'network' ? parameters.network : parameters.transformers.transformer1;
  tree[layer] = { ...tree[layer], [leaf]: value };
}

function run() {
  const { value, gradients } = valueAndGradients(
    (p) => softmaxLoss(classify(plan, p, x).scores, labels),
    parameters,
  );
  return { loss: value.item(), gradients };
}

function named(part, layers) {
  return Object.entries(layers).flatMap(([layer, leaves]) =>
    Object.entries(leaves).map(([leaf, value]) => [`${part}.${layer}.${leaf}`, value]),
  );
}

reportWork(run, () => {
  const { loss, gradients } = run();
  const { network, transformers } = gradients;
  const all = [...named('network', network), ...named('localisation', transformers.transformer1)];
  return { loss, gradients: Object.fromEntries(all) };
});
