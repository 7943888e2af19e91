import { DTypeError, ShapeError } from '../errors.js';
import { showShape } from '../tensor/shape.js';
import { empty, type Tensor } from '../tensor/tensor.js';

/** What goes into the cell, what should come out, and where that counts: all (T, N). */
export interface TeacherForcing {
  readonly input: Tensor;
  readonly target: Tensor;
  readonly mask: Tensor;
}

/**
 * Splits captions (N, T + 1) into inputs (all words but the last) and targets (all but the first),
 * time-major as the recurrence walks. The mask is 0 where the target is padding.
 * @param fed inputs are of these (N, T + 1) instead: words that a caption need not hold.
 * @throws ShapeError when a caption has fewer than two words, or `fed` another shape.
 * @throws DTypeError unless i32.
 */
export function teacherForcing(
  captions: Tensor,
  nullWord: number,
  fed: Tensor = captions,
): TeacherForcing {
  const [N = 0, length = 0] = captions.shape;
  for (const { dtype } of [captions, fed]) {
    if (dtype !== 'i32') {
      throw new DTypeError(`captions hold word indices and must be i32, not ${dtype}`);
    }
  }
  if (captions.shape.length !== 2 || length < 2) {
    throw new ShapeError(
      `captions must be (N, T + 1) with T at least 1, not ${showShape(captions.shape)}`,
    );
  }
  if (showShape(fed.shape) !== showShape(captions.shape)) {
    throw new ShapeError(
      `words fed in ${showShape(fed.shape)} do not fit captions ${showShape(captions.shape)}`,
    );
  }
  const T = length - 1;
  const words = captions.dataSync();
  const fedWords = fed.dataSync();
  const input = new Int32Array(T * N);
  const target = new Int32Array(T * N);
  const mask = new Uint8Array(T * N);
  for (let n = 0; n < N; n++) {
    for (let t = 0; t < T; t++) {
      const next = words[n * length + t + 1] ?? nullWord;
      input[t * N + n] = fedWords[n * length + t] ?? nullWord;
      target[t * N + n] = next;
      mask[t * N + n] = next === nullWord ? 0 : 1;
    }
  }
  return {
    input: empty('i32', [T, N]).assign(input),
    target: empty('i32', [T, N]).assign(target),
    mask: empty('u8', [T, N]).assign(mask),
  };
}
