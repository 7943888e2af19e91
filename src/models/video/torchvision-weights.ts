/** Weights of residual networks for clips out of torchvision's state dicts. */
import { leaves, type TensorTree } from '../../autograd/tree.js';
import type { SafetensorsTensor } from '../../data/formats/safetensors-dtypes.js';
import { scope } from '../../engine/engine.js';
import { FormatError } from '../../errors.js';
import { copyInto } from '../../tensor/arithmetic.js';
import { tensor } from '../../tensor/create.js';
import { showShape } from '../../tensor/shape.js';
import { weightsOf } from '../encoders/state-dict.js';

/** What torchvision calls the last part of our names; a parameter of a convolution or of the scores is W. */
const theirs: Readonly<Record<string, string>> = {
  W: 'weight',
  b: 'bias',
  gain: 'weight',
  bias: 'bias',
  mean: 'running_mean',
  variance: 'running_var',
};

const scoresLayer = 'fc.';

/**
 * Fills the parameters and the state of a network that `planVideoResnet` planned with the values of a state dict, in
 * place: `stem.0.weight` becomes `stem.0.W`, `stem.1.running_mean` the mean of `stem.1`, and so on.
 * @param options.scores false: the layer that scores classes keeps its own values, and the file need not have it.
 * @throws FormatError naming what is missing, has another shape or is not finite; nothing is then changed.
 */
export function takeTorchvisionWeights(
  parameters: TensorTree,
  state: TensorTree,
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  source: string,
  { scores = true } = {},
): void {
  using _work = scope();
  const found = [...leaves(parameters), ...leaves(state)]
    .filter(([path]) => scores || !path.startsWith(scoresLayer))
    .map(([path, leaf]) => {
      const [, module = '', own = ''] = /^(.*)\.([^.]+)$/.exec(path) ?? [];
      const name = `${module}.${theirs[own] ?? own}`;
      const given = tensors.get(name);
      if (!given) {
        throw new FormatError(
          source,
          `has no tensor "${name}": the network is another one than the weights' (--model, --width, --blocks)`,
        );
      }
      const isMatrix = leaf.shape.length === 2;
      const shape = isMatrix ? [...leaf.shape].reverse() : leaf.shape;
      if (`${given.shape}` !== `${shape}`) {
        throw new FormatError(
          source,
          `tensor "${name}" is ${showShape(given.shape)}, but the network takes ${showShape(shape)}`,
        );
      }
      const values = tensor(weightsOf(name, given, source), { shape, dtype: leaf.float });
      return { leaf, values, isMatrix };
    });
  for (const { leaf, values, isMatrix } of found) {
    if (isMatrix) leaf.assign(transposedValues(values.dataSync(), leaf.shape));
    else copyInto(leaf, values);
  }
}

/** Rows as columns: values of a matrix whose transpose has this shape. */
function transposedValues(values: ArrayLike<number>, [rows = 0, columns = 0]: readonly number[]) {
  return Float64Array.from(
    { length: rows * columns },
    (_, i) => values[(i % columns) * rows + Math.floor(i / columns)] ?? 0,
  );
}
