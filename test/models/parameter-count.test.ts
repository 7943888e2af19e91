import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parameterCount } from '../../src/autograd/tree.js';
import { scope } from '../../src/engine/engine.js';
import { Captioner } from '../../src/models/captioner.js';
import {
  attentionKinds,
  type CaptionerConfig,
  cells,
  fullConfig,
} from '../../src/models/captioner-config.js';
import { captionerShapes } from '../../src/models/captioner-parameters.js';
import { shapesCount } from '../../src/models/parameters.js';
import { type VisionConfig, visionFeatureSize, visionMapSize } from '../../src/models/vision.js';

const size = fc.integer({ min: 1, max: 7 });
const attention = fc.record({
  kind: fc.constantFrom(...attentionKinds),
  locations: fc.tuple(size, size),
  valueSize: size,
  size,
  glimpse: fc.integer({ min: 1, max: 4 }),
  centre: fc.constantFrom('state' as const, 'places' as const),
  gate: fc.boolean(),
  initialState: fc.constantFrom('image' as const, 'zero' as const),
  context: fc.constantFrom('cell' as const, 'output' as const),
  positions: fc.boolean(),
});
const configs = fc
  .record({
    cell: fc.constantFrom(...cells),
    layers: fc.integer({ min: 1, max: 3 }),
    featureSize: size,
    embeddingSize: size,
    hiddenSize: size,
    vocabularySize: size.map((words) => words + 2),
    tiedEmbeddings: fc.boolean(),
    layerNorm: fc.boolean(),
    attention: fc.option(attention, { nil: undefined }),
    vision: fc.option(
      fc.record({ size: size.map((side) => side + 7), filters: fc.array(size, { minLength: 1, maxLength: 3 }) }),
      { nil: undefined },
    ),
  })
  .map(fitted);

/** The same with features and places as many as the vision network makes, if there is one. */
function fitted<C extends CaptionerConfig & { vision?: VisionConfig | undefined }>(
  config: C,
): CaptionerConfig {
  const { vision, attention } = config;
  if (!vision) return config;
  if (!attention) return { ...config, featureSize: visionFeatureSize(vision) };
  const side = visionMapSize(vision);
  const featureSize = vision.filters.at(-1) ?? 3;
  return { ...config, featureSize, attention: { ...attention, locations: [side, side] } };
}

test('the parameters of any captioner are as many as its configuration says', () => {
  fc.assert(
    fc.property(configs, (config) => {
      using _work = scope();
      const captioner = new Captioner(config);
      expect(shapesCount(captionerShapes(fullConfig(config)))).toBe(
        parameterCount(captioner.parameters),
      );
    }),
    { seed: 6, numRuns: 500 },
  );
});
