/** Functions of ops one after another, which outside a tape keep no more than one result in memory. */
import { scope } from '../engine/engine.js';
import type { Tensor } from '../tensor/tensor.js';
import { followsChanges } from './tangents.js';
import { isRecording } from './tape.js';

/**
 * What the last step makes of what the one before it made, and so on back to x, which stays.
 *
 * On a tape the results between stay as well: backward passes read them. Elsewhere each is given back as
 * soon as the next one is there, together with all else that its step allocated.
 */
export function sequential(x: Tensor, steps: Iterable<(x: Tensor) => Tensor>): Tensor {
  let seen = x;
  const kept = isRecording() || followsChanges();
  for (const step of steps) seen = kept ? step(seen) : nextOf(seen, step, x);
  return seen;
}

function nextOf(seen: Tensor, step: (x: Tensor) => Tensor, x: Tensor): Tensor {
  using work = scope();
  const next = work.keep(step(seen));
  // A view is the same memory under another shape.
  if (seen.storage !== x.storage && seen.storage !== next.storage) seen.dispose();
  return next;
}
