import type { TensorTree } from '../autograd/tree.js';
import { tanh } from '../layers/activations.js';
import { add } from '../layers/add.js';
import { temporalAffine } from '../layers/affine.js';
import { zeros } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { named } from './attending.js';
import type { CaptionerParameters } from './captioner-parameters.js';

/**
 * What is said from the hidden state h (T, N, H) and what is seen (T, N, C), when the context goes
 * to the output: tanh(h Wh + context Wc + b). Otherwise the state knows what was seen, and is it.
 *
 * Source: Luong, Pham and Manning 2015, equation 5.
 */
export function toSay({ saying }: CaptionerParameters, h: Tensor, context: Tensor): Tensor {
  if (!('Wc' in saying)) return h;
  const { Wh, Wc, b } = named(saying, 'Wh', 'Wc', 'b');
  const seen = temporalAffine(context, Wc, zeros(b.shape, b.dtype));
  return tanh(add(temporalAffine(h, Wh, b), seen));
}

/**
 * The weights of a cell that looks. One whose context goes to the output takes none of it in: its Wz
 * is zero, and no parameter.
 */
export function attentionCell({ cell, saying }: CaptionerParameters): TensorTree & {
  readonly Wx: Tensor;
  readonly Wz: Tensor;
  readonly Wh: Tensor;
  readonly b: Tensor;
  readonly bh?: Tensor;
} {
  if (!('Wc' in saying)) return { ...cell, ...named(cell, 'Wz') };
  const { Wc } = named(saying, 'Wc');
  return { ...cell, Wz: zeros([Wc.shape[0] ?? 0, cell.b.size], cell.b.dtype) };
}
