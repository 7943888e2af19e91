import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine/engine.js';
import { type KernelCase, runCase } from './conformance.js';
import { activation } from './kernel-cases/activation.js';
import { attention } from './kernel-cases/attention.js';
import { channelNorm } from './kernel-cases/channel-norm.js';
import { convolution } from './kernel-cases/convolution.js';
import { decoding } from './kernel-cases/decoding.js';
import { depthwise } from './kernel-cases/depthwise.js';
import { elementwise } from './kernel-cases/elementwise.js';
import { gelu } from './kernel-cases/gelu.js';
import { gru } from './kernel-cases/gru.js';
import { meanLoss } from './kernel-cases/mean-loss.js';
import { norm } from './kernel-cases/norm.js';
import { optimiser } from './kernel-cases/optimiser.js';
import { perspective } from './kernel-cases/perspective.js';
import { pooling } from './kernel-cases/pooling.js';
import { rectifier } from './kernel-cases/rectifier.js';
import { recurrent } from './kernel-cases/recurrent.js';
import { reduce } from './kernel-cases/reduce.js';
import { sampler } from './kernel-cases/sampler.js';
import { softmax } from './kernel-cases/softmax.js';
import { upsample } from './kernel-cases/upsample.js';
import { winograd } from './kernel-cases/winograd.js';

const cases: Record<string, KernelCase[]> = {
  ...elementwise,
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
};

/** Kernels that another file compares with a plain reference in both element types. */
const testedElsewhere: Record<string, string> = {
  gemm: 'product.test.ts',
  gemmScratchBytes: 'product.test.ts',
  // Each of their cases allocates what they say, between guards.
  maxPoolScratchBytes: 'kernel-cases/pooling.ts',
  depthwiseScratchBytes: 'kernel-cases/depthwise.ts',
  winogradScratchBytes: 'kernel-cases/winograd.ts',
  winogradFiltersScratchBytes: 'kernel-cases/winograd.ts',
};

const engine = new Engine();

describe.each(['f32', 'f64'] as const)('%s kernels against plain loops', (dtype) => {
  const named = Object.entries(cases).flatMap(([name, list]) =>
    list.map((one) => [one.variant ? `${name}, ${one.variant}` : name, one] as const),
  );
  test.each(named)('%s', (_name, definition) => runCase(engine, dtype, definition));

  test('every exported kernel has a case, and every case a kernel', () => {
    const covered = [...Object.keys(cases), ...Object.keys(testedElsewhere)].sort();
    expect(Object.keys(engine.kernels[dtype]).sort()).toEqual(covered);
  });
});

test('the files that test the other kernels are there', () => {
  for (const file of Object.values(testedElsewhere)) {
    expect(existsSync(new URL(file, import.meta.url)), file).toBe(true);
  }
});
