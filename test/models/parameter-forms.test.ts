import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { leaves, type TensorTree } from '../../src/autograd/tree.js';
import { Engine, engine, scope, useEngine } from '../../src/engine/engine.js';
import { OutOfMemoryError, ScopeError } from '../../src/errors.js';
import { Captioner } from '../../src/models/captioner.js';
import {
  attentionKinds,
  type CaptionerConfig,
  cells,
  contextUses,
  initialStates,
  windowCentres,
} from '../../src/models/captioner-config.js';
import { initialParameters } from '../../src/models/captioner-parameters.js';
import { initialClassifier } from '../../src/models/classifier.js';
import { fullClassifier, planClassifier } from '../../src/models/classifier-config.js';
import { formOnly } from '../../src/models/parameter-maker.js';
import { visionFeatureSize, visionMapSize } from '../../src/models/vision.js';
import { Random } from '../../src/random.js';
import { linspace, randomNormal, randomUniform } from '../../src/tensor/create.js';

const size = fc.integer({ min: 1, max: 7 });
const attention = fc.record({
  kind: fc.constantFrom(...attentionKinds),
  locations: fc.tuple(size, size),
  valueSize: size,
  size,
  glimpse: fc.integer({ min: 1, max: 4 }),
  centre: fc.constantFrom(...windowCentres),
  gate: fc.boolean(),
  initialState: fc.constantFrom(...initialStates),
  context: fc.constantFrom(...contextUses),
  positions: fc.boolean(),
});
const configs = fc
  .record({
    cell: fc.constantFrom(...cells),
    layers: fc.integer({ min: 1, max: 3 }),
    featureSize: size,
    embeddingSize: size,
    hiddenSize: size,
    vocabularySize: size,
    tiedEmbeddings: fc.boolean(),
    layerNorm: fc.boolean(),
    attention: fc.option(attention, { nil: undefined }),
    vision: fc.option(
      fc.record({ size, filters: fc.array(size, { minLength: 1, maxLength: 3 }) }),
      { nil: undefined },
    ),
  })
  .map(fitted);

/** The same with features and places as many as the vision network makes, if there is one. */
function fitted(config: CaptionerConfig): CaptionerConfig {
  const { vision, attention } = config;
  if (!vision) return config;
  if (!attention) return { ...config, featureSize: visionFeatureSize(vision) };
  const side = visionMapSize(vision);
  const featureSize = vision.filters.at(-1) ?? 3;
  return { ...config, featureSize, attention: { ...attention, locations: [side, side] } };
}

test('the form of any captioner is that of its parameters, and takes no memory', () => {
  fc.assert(
    fc.property(configs, (config) => {
      using _work = scope();
      const { config: full, parameters } = new Captioner(config);
      const used = engine().heap.usedBytes;
      const form = initialParameters(full, formOnly('f32'));
      expect(engine().heap.usedBytes).toBe(used);
      const shapes = (tree: TensorTree) =>
        [...leaves(tree)].map(([path, { dtype, shape }]) => [path, dtype, shape]);
      expect(shapes(form)).toEqual(shapes(parameters));
    }),
    { seed: 6, numRuns: 300 },
  );
});

test('the elements of a form cannot be read', () => {
  const form = formOnly('f64');
  for (const leaf of [form.full([2], 1), form.normal([2, 3], 1)]) {
    expect(() => leaf.dataSync()).toThrow(ScopeError);
  }
});

describe('a model that is larger than the memory', () => {
  const initial = engine();
  afterEach(() => {
    useEngine(initial);
  });

  /** Draws nothing: whoever asks for a number fails. */
  class Untouched extends Random {
    override uint32(): number {
      return expect.fail('a weight was drawn');
    }
  }

  test('is refused before the first weight is drawn', () => {
    const small = new Engine({ heapLimit: 2 ** 20 });
    useEngine(small);
    // Each of its tensors would have room.
    const sizes = { featureSize: 100, embeddingSize: 100, hiddenSize: 100, vocabularySize: 1000 };
    const make = () => new Captioner({ cell: 'lstm', ...sizes }, { random: new Untouched(1) });
    expect(make).toThrow(OutOfMemoryError);
    expect(make).toThrow(/1,166,000 bytes \(1\.1 MiB\).* of at most 1,048,576/);
    const plan = planClassifier(
      fullClassifier({ network: 'fcn', picture: [1, 20, 20], classes: 10, size: 500 }),
    );
    expect(() => initialClassifier(plan, new Untouched(1))).toThrow(OutOfMemoryError);
    expect(small.heap.usedBytes).toBe(0);
  });

  test('takes no memory of the host either', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const make of [
      randomNormal,
      (random: Random, shape: number[]) => randomUniform(random, shape, 0, 1),
    ]) {
      expect(() => make(new Untouched(1), [30_000, 50_000])).toThrow(OutOfMemoryError);
    }
    expect(() => linspace(0, 1, [30_000, 50_000])).toThrow(OutOfMemoryError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });
});
