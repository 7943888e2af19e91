import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Engine } from '@/engine/engine.js';
import { runCase } from './conformance.js';
import { cases } from './kernel-cases/all.js';

/** Kernels that another file compares with a plain reference in both element types. */
const testedElsewhere: Record<string, string> = {
  gemm: 'product.test.ts',
  gemmScratchBytes: 'product.test.ts',
  // Each of their cases allocates what they say, between guards.
  averagePoolScratchBytes: 'kernel-cases/pooling.ts',
  maxPoolScratchBytes: 'kernel-cases/pooling.ts',
  depthwiseScratchBytes: 'kernel-cases/depthwise.ts',
  farnebackScratchBytes: 'kernel-cases/farneback.ts',
  hornSchunckScratchBytes: 'kernel-cases/horn-schunck.ts',
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
