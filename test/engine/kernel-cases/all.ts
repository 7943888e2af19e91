import type { KernelCase } from '@test/engine/conformance.js';
import { activation } from './activation.js';
import { attention } from './attention.js';
import { broadcast } from './broadcast.js';
import { channelNorm } from './channel-norm.js';
import { convolution } from './convolution.js';
import { decoding } from './decoding.js';
import { depthwise } from './depthwise.js';
import { elementwise } from './elementwise.js';
import { farneback } from './farneback.js';
import { filter } from './filter.js';
import { gelu } from './gelu.js';
import { gru } from './gru.js';
import { hornSchunck } from './horn-schunck.js';
import { meanLoss } from './mean-loss.js';
import { norm } from './norm.js';
import { optimiser } from './optimiser.js';
import { perspective } from './perspective.js';
import { pooling } from './pooling.js';
import { rectifier } from './rectifier.js';
import { recurrent } from './recurrent.js';
import { reduce } from './reduce.js';
import { sampler } from './sampler.js';
import { softmax } from './softmax.js';
import { unary } from './unary.js';
import { upsample } from './upsample.js';
import { winograd } from './winograd.js';

/** Every kernel's cases. */
export const cases: Record<string, KernelCase[]> = {
  ...elementwise,
  ...broadcast,
  ...unary,
  ...reduce,
  ...optimiser,
  ...norm,
  ...recurrent,
  ...gru,
  ...softmax,
  ...activation,
  ...attention,
  ...channelNorm,
  ...convolution,
  ...decoding,
  ...perspective,
  ...pooling,
  ...sampler,
  ...rectifier,
  ...gelu,
  ...meanLoss,
  ...upsample,
  ...depthwise,
  ...winograd,
  ...filter,
  ...farneback,
  ...hornSchunck,
};
