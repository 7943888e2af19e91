import {
  CaptionTrainer,
  checkpointFrom,
  checkpointOf,
  fileOf,
  gridTask,
  recipe,
  resumed,
  stateOf,
  type TinyTask,
  tinyCaptioner,
  tinyTask,
} from '@test/tasks/captioner/tiny-task.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leaves } from '@/autograd/tree.js';
import type { EncodedCaption } from '@/data/captions/batches.js';
import { END_INDEX, START_INDEX, UNKNOWN_INDEX, Vocabulary } from '@/data/text/vocabulary.js';
import { decode, rescore } from '@/decoding/decode.js';
import { captionerModel, type WordModel } from '@/decoding/word-model.js';
import { scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { UsageError } from '@/errors.js';
import { CiderScorer } from '@/metrics/cider.js';
import { Captioner } from '@/models/captioner.js';
import type { AttentionKind } from '@/models/captioner-config.js';
import type { CaptionerState } from '@/models/captioner-state.js';
import { Random } from '@/random.js';
import type { CaptionData } from '@/tasks/captions/objectives.js';
import { type Baseline, baselines } from '@/tasks/captions/recipe.js';
import { CaptionReward, leaveOneOut, SelfCritical } from '@/tasks/captions/self-critical.js';
import { randomNormal, tensor } from '@/tensor/create.js';

let open: Scope;
beforeEach(() => {
  open = scope();
});
afterEach(() => open[Symbol.dispose]());

const selfCritical = (options: Parameters<typeof recipe>[0] = {}) =>
  recipe({ selfCritical: true, samples: 4, batchSize: 32, maxWords: 8, ...options });

/** A captioner that cross-entropy has taught for a while. */
async function halfTrained(
  task: TinyTask,
  epochs: number,
  attention?: AttentionKind,
): Promise<Captioner> {
  const captioner = tinyCaptioner(task, { dropout: 0.2, ...(attention && { attention }) });
  await new CaptionTrainer(captioner, recipe({ epochs, rate: 0.02 }), task.data).run();
  return captioner;
}

describe('the reward', () => {
  const caption = (imageIndex: number, ...words: number[]): EncodedCaption => ({
    imageIndex,
    words: Int32Array.from([START_INDEX, ...words, END_INDEX]),
  });
  const captions = [
    caption(7, 10, 11, 12, 13),
    caption(7, 10, 14),
    caption(2, 10, 15, 16),
    caption(4, 10, UNKNOWN_INDEX, 17, 18),
  ];
  const reward = new CaptionReward(captions, END_INDEX);
  const said = (words: number[], finished = true) => ({ words, finished });

  test('is CIDEr-D of the words and <END>, by image', () => {
    expect(reward.images).toEqual([2, 4, 7]);
    const scorer = new CiderScorer([
      [['10', '15', '16', 'end']],
      [['10', 'rare', '17', '18', 'end']],
      [
        ['10', '11', '12', '13', 'end'],
        ['10', '14', 'end'],
      ],
    ]);
    const found = reward.of(
      [said([10, 14]), said([10, 15, 16]), said([10, 11, 12], false)],
      [7, 2, 7],
    );
    const expected = scorer.scores(
      [
        ['10', '14', 'end'],
        ['10', '15', '16', 'end'],
        ['10', '11', '12'],
      ],
      [2, 0, 2],
    );
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] ?? 0, 12);
    // Its n-grams of words that all images have are worth nothing: log(3 / 3).
    expect(found[1]).toBeCloseTo(10, 12);
  });

  test('is less where the end is missing, and <UNK> earns nothing', () => {
    const [ended = 0, broken = 0] = reward.of(
      [said([10, 15, 16]), said([10, 15, 16], false)],
      [2, 2],
    );
    expect(broken).toBeLessThan(ended - 1);
    expect(reward.of([said([UNKNOWN_INDEX])], [4])[0]).toBeLessThan(
      reward.of([said([17])], [4])[0] ?? 0,
    );
    expect(reward.of([said([UNKNOWN_INDEX, UNKNOWN_INDEX], false)], [4])[0]).toBe(0);
  });

  test('of an image without captions is refused', () => {
    expect(() => reward.of([said([10])], [3])).toThrow(/none for -1/);
  });
});

test('leaving one out compares a reward with the mean of the others of its image', () => {
  const advantages = leaveOneOut(Float64Array.of(3, 0, 0, 1, 1, 4), 3);
  expect([...advantages]).toEqual([3, -1.5, -1.5, -1.5, -1.5, 3]);
});

const everyWay: [Baseline, AttentionKind?][] = [
  ...baselines.map((baseline): [Baseline] => [baseline]),
  ['greedy', 'additive'],
  ['leave-one-out', 'additive'],
  ['leave-one-out', 'hard'],
];

test.each(everyWay)(
  'the gradient is that of the advantages times log p (%s, attention: %s)',
  async (baseline, attention) => {
    const task = attention ? gridTask() : tinyTask();
    const { vocabulary, featureSize } = task;
    const config = { cell: 'lstm' as const, featureSize, vocabularySize: vocabulary.size };
    const captioner = new Captioner(
      {
        ...{ ...config, embeddingSize: 5, hiddenSize: 6, dropout: 0.5 },
        attention: attention && { kind: attention, locations: [1, 3], valueSize: 4, size: 3 },
      },
      { dtype: 'f64', random: new Random(3) },
    );
    const inputs: CaptionData['inputs'] = {
      size: task.data.inputs.size,
      batch: (images) => {
        const rows = task.data.inputs.batch(images);
        return tensor(rows.dataSync(), { shape: rows.shape, dtype: 'f64' });
      },
    };
    const lesson = new SelfCritical(
      captioner,
      selfCritical({ samples: 3, batchSize: 12, baseline }),
      { ...task.data, inputs },
      () => new Random(11),
    );
    const [learn] = lesson.batches(0, 0);
    const learned = await learn?.();
    if (!learned) return expect.fail('there is no batch');

    // The same samples once more, from the same random numbers.
    const firsts = learned.inputs;
    expect(firsts.shape[0]).toBe(4);
    const model = sayable(captionerModel(captioner, vocabulary));
    const features = tensor(
      Array.from({ length: 12 }, (_, n) => {
        const image = Math.floor(n / 3);
        return [...firsts.slice(image, image + 1).dataSync()];
      }).flat(),
      { shape: [12, ...firsts.shape.slice(1)], dtype: 'f64' },
    );
    const options = { maxLength: 8, blockUnknown: false };
    const drawing = { ...options, decoder: 'sample' as const, nBest: 3 };
    const drawn = (await decode(model, firsts, drawing, new Random(11))).flat();
    expect(learned.sums.reward?.count).toBe(12);
    expect(learned.sums.loss?.count).toBe(
      drawn.reduce((sum, { wordLogProbabilities }) => sum + wordLogProbabilities.length, 0),
    );
    const reward = new CaptionReward(task.data.train, END_INDEX);
    const images = Array.from({ length: 12 }, (_, n) => imageOf(task, features.slice(n, n + 1)));
    const rewards = reward.of(drawn, images);
    expect(learned.sums.reward?.total).toBeCloseTo(
      rewards.reduce((a, b) => a + b),
      10,
    );
    const greedy = (await decode(model, firsts, options)).flat();
    const greedyRewards = reward.of(
      greedy,
      images.filter((_, n) => n % 3 === 0),
    );
    const advantages =
      baseline === 'greedy'
        ? rewards.map((r, n) => r - (greedyRewards[Math.floor(n / 3)] ?? 0))
        : leaveOneOut(rewards, 3);
    expect(new Set(advantages.map(Math.sign)).size).toBeGreaterThan(1);

    const loss = async () => {
      using _work = scope();
      const scored = await rescore(model, features, drawn);
      return (
        -scored.reduce(
          (sum, { logProbability }, n) => sum + (advantages[n] ?? 0) * logProbability,
          0,
        ) / 12
      );
    };
    expect(learned.sums.loss?.total).toBeCloseTo(
      -drawn.reduce((sum, d) => sum + d.logProbability, 0),
      9,
    );
    const gradients = new Map(leaves(learned.gradients));
    for (const [path, parameter] of leaves(captioner.parameters)) {
      for (const place of [0, Math.floor(parameter.size / 2), parameter.size - 1]) {
        const values = parameter.dataSync().slice();
        const at = async (step: number) => {
          parameter.assign(values.map((v, i) => (i === place ? v + step : v)));
          const value = await loss();
          parameter.assign(values);
          return value;
        };
        const numeric = ((await at(1e-5)) - (await at(-1e-5))) / 2e-5;
        const found = gradients.get(path)?.dataSync()[place] ?? Number.NaN;
        expect(found, `${path}[${place}]`).toBeCloseTo(numeric, 7);
      }
    }
  },
);

describe('over all captions of a tiny vocabulary', () => {
  const vocabulary = Vocabulary.fromJSON({
    words: ['<NULL>', '<START>', '<END>', '<UNK>', 'cat', 'dog'],
  });
  const [CAT, DOG] = [4, 5];
  const maxWords = 2;
  const features = randomNormal(new Random(12), [4, 3], 1, 'f64').dataSync();
  const caption = (imageIndex: number, ...words: number[]) => ({
    imageIndex,
    words: Int32Array.from([START_INDEX, ...words, END_INDEX]),
  });
  const train = [
    ...[caption(0, CAT), caption(0, CAT, DOG)],
    ...[caption(1, DOG), caption(1, DOG, CAT)],
    ...[caption(2, DOG, DOG), caption(2, CAT, CAT)],
    caption(3, UNKNOWN_INDEX, UNKNOWN_INDEX),
  ];
  const inputs: CaptionData['inputs'] = {
    size: 4,
    batch: (images) =>
      tensor(
        Array.from(images, (image) => [...features.subarray(3 * image, 3 * image + 3)]).flat(),
        { shape: [images.length, 3], dtype: 'f64' },
      ),
  };
  const data: CaptionData = { vocabulary, inputs, train, dev: { inputs, captions: train } };
  const reward = new CaptionReward(train, END_INDEX);

  /** Everything that can be said: the end, or a word and so on; two words at most. */
  const sayable = [UNKNOWN_INDEX, CAT, DOG];
  const captions = [
    { words: [] as number[], finished: true },
    ...sayable.flatMap((first) => [
      { words: [first], finished: true },
      ...sayable.map((second) => ({ words: [first, second], finished: false })),
    ]),
  ];

  /** A generator whose 32 bits are given, so that what is drawn with them is known. */
  class Scripted extends Random {
    readonly seeds: number[] = [];
    override uint32(): number {
      const next = this.seeds.shift();
      if (next === undefined) throw new Error('more is drawn than was expected');
      return next;
    }
  }

  function teachable() {
    const scripted = new Scripted(0);
    const sizes = { featureSize: 3, embeddingSize: 3, hiddenSize: 4 };
    const config = { cell: 'rnn' as const, ...sizes, vocabularySize: vocabulary.size };
    const random = new Random(6);
    const { parameters } = new Captioner(config, { dtype: 'f64', random });
    // Padding and <START> get as high scores as any word.
    for (const [, leaf] of leaves(parameters)) {
      leaf.assign(randomNormal(random, leaf.shape, 0.8, 'f64').dataSync());
    }
    return { scripted, captioner: new Captioner(config, { parameters, random: scripted }) };
  }

  /** Each caption's probability of being said of an image, by steps and a softmax over what may be said. */
  function probabilities(captioner: Captioner, image: number): number[] {
    using _work = scope();
    const may = [END_INDEX, ...sayable];
    const start = captioner.start(inputs.batch([image]));
    const wordAfter = (state: CaptionerState, word: number) => {
      const { scores, state: next } = captioner.step(state, [word]);
      const exponentials = may.map((one) => Math.exp(scores.dataSync()[one] ?? Number.NaN));
      const sum = exponentials.reduce((a, b) => a + b);
      const of = (one: number) => (exponentials[may.indexOf(one)] ?? Number.NaN) / sum;
      return { next, of };
    };
    const first = wordAfter(start, START_INDEX);
    const second = new Map(sayable.map((word) => [word, wordAfter(first.next, word)]));
    return captions.map(({ words: [one, two] }) => {
      if (one === undefined) return first.of(END_INDEX);
      return first.of(one) * (second.get(one)?.of(two ?? END_INDEX) ?? Number.NaN);
    });
  }

  test.each(baselines)(
    'the mean of the steps is the gradient of the mean reward (%s)',
    async (baseline) => {
      const { scripted, captioner } = teachable();
      const samples = baseline === 'greedy' ? 1 : 2;
      const options = selfCritical({ samples, batchSize: samples, maxWords, baseline, seed: 4 });
      const lesson = new SelfCritical(captioner, options, data, () => scripted);
      const learnFrom = async (seeds: readonly number[]) => {
        scripted.seeds.push(...seeds);
        const [learn] = lesson.batches(0, 0);
        const learned = await learn?.();
        return learned ?? expect.fail('there is no batch');
      };
      const image = await (async () => {
        using _work = scope();
        const { inputs: first } = await learnFrom([1, 2].slice(0, samples));
        const [value] = first.dataSync();
        return [0, 1, 2, 3].find((n) => features[3 * n] === value) ?? -1;
      })();

      // A seed for each caption that can be said.
      const seeds = await seedsOf(captioner, image);
      const chances = probabilities(captioner, image);
      expect(chances.reduce((a, b) => a + b)).toBeCloseTo(1, 13);
      const rewards = [
        ...reward.of(
          captions,
          captions.map(() => image),
        ),
      ];
      expect(new Set(rewards).size).toBeGreaterThan(3);

      const groups = captions.flatMap((_, a) =>
        samples === 1 ? [[a]] : captions.map((_, b) => [a, b]),
      );
      const mean = new Map<string, Float64Array>();
      for (const group of groups) {
        using _step = scope();
        const chance = group.reduce((product, n) => product * (chances[n] ?? 0), 1);
        const learned = await learnFrom(group.map((n) => seeds[n] ?? -1));
        expect(learned.sums.reward?.total).toBeCloseTo(
          group.reduce((sum, n) => sum + (rewards[n] ?? 0), 0),
          12,
        );
        expect(learned.sums.loss?.total).toBeCloseTo(
          -group.reduce((sum, n) => sum + Math.log(chances[n] ?? 0), 0),
          12,
        );
        for (const [path, gradient] of leaves(learned.gradients)) {
          const sum = mean.get(path) ?? new Float64Array(gradient.size);
          for (const [i, value] of gradient.dataSync().entries()) {
            sum[i] = (sum[i] ?? 0) + chance * value;
          }
          mean.set(path, sum);
        }
      }

      const lost = () =>
        -probabilities(captioner, image).reduce((sum, p, n) => sum + p * (rewards[n] ?? 0), 0);
      let largest = 0;
      for (const [path, leaf] of leaves(captioner.parameters)) {
        const values = leaf.dataSync();
        for (const [i, value] of values.entries()) {
          const at = (moved: number) => {
            values[i] = moved;
            leaf.assign(values);
            return lost();
          };
          const numeric = (at(value + 1e-5) - at(value - 1e-5)) / 2e-5;
          at(value);
          expect(mean.get(path)?.[i], `${path}[${i}]`).toBeCloseTo(numeric, 8);
          largest = Math.max(largest, Math.abs(numeric));
        }
      }
      expect(largest).toBeGreaterThan(0.1);
    },
  );

  async function seedsOf(captioner: Captioner, image: number): Promise<number[]> {
    using _work = scope();
    const model = captionerModel(captioner, vocabulary);
    const found = new Map<string, number>();
    const drawing = { decoder: 'sample', maxLength: maxWords, blockUnknown: false } as const;
    for (let seed = 0; found.size < captions.length && seed < 5000; seed++) {
      const generator = new Scripted(0);
      generator.seeds.push(seed);
      const [[said] = []] = await decode(model, inputs.batch([image]), drawing, generator);
      found.set(`${said?.words}`, seed);
    }
    return captions.map(
      ({ words }) => found.get(`${words}`) ?? expect.fail(`${words} is never said`),
    );
  }
});

test.each(baselines)('the reward rises (%s)', async (baseline) => {
  const task = tinyTask();
  const captioner = await halfTrained(task, 12);
  const options = selfCritical({ epochs: 25, rate: 5e-3, decay: 1, baseline });
  const trainer = new CaptionTrainer(captioner, options, task.data);
  const rewards: (number | undefined)[] = [];
  await trainer.run({ onStep: ({ train }) => rewards.push(train.reward) });
  expect(rewards).toHaveLength(25 * 6);
  const { history } = trainer.progress;
  const mean = (values: typeof rewards) =>
    values.reduce<number>((sum, value) => sum + (value ?? Number.NaN), 0) / values.length;
  expect(history[0]?.train.reward).toBeCloseTo(mean(rewards.slice(0, 6)), 10);
  expect(history.at(-1)?.train.reward).toBeGreaterThan((history[0]?.train.reward ?? 0) + 0.7);
  // It makes up its mind.
  expect(history.at(-1)?.train.loss).toBeLessThan(history[0]?.train.loss ?? 0);
});

test.each(everyWay)('resumes bit for bit (%s, attention: %s)', async (baseline, attention) => {
  const task = attention ? gridTask() : tinyTask();
  const start = fileOf(
    checkpointOf(
      task,
      new CaptionTrainer(
        await halfTrained(task, 2, attention),
        selfCritical({ epochs: 2, baseline }),
        task.data,
      ),
    ),
  );
  const straight = resumed(task, checkpointFrom(start));
  expect(await straight.run()).toBe('finished');
  let file = start;
  let outcome: string;
  let breaks = 0;
  do {
    const next = resumed(task, checkpointFrom(file));
    const controller = new AbortController();
    let steps = 0;
    const onStep = () => void (++steps === 5 && controller.abort());
    outcome = await next.run({ onStep }, { signal: controller.signal });
    file = fileOf(checkpointOf(task, next));
    breaks++;
  } while (outcome === 'interrupted');
  expect(breaks).toBe(3);
  expect(stateOf(checkpointFrom(file))).toEqual(stateOf(checkpointOf(task, straight)));
  expect(stateOf(checkpointFrom(file)).parameters).not.toEqual(
    stateOf(checkpointFrom(start)).parameters,
  );
});

test('one sample cannot be compared with the others', () => {
  const task = tinyTask();
  const make = () =>
    new CaptionTrainer(tinyCaptioner(task), selfCritical({ samples: 1 }), task.data);
  expect(make).toThrow(UsageError);
  expect(make).toThrow(/leave-one-out needs at least 2 samples, not 1/);
});

/** A captioner as decoders see it whose padding and `<START>` have no share of the probability. */
function sayable(model: WordModel<CaptionerState>): WordModel<CaptionerState> {
  return {
    ...model,
    step: (state, words) => {
      const step = model.step(state, words);
      const values = step.scores.dataSync();
      const V = step.scores.shape[1] ?? 0;
      for (let row = 0; row < words.length; row++) {
        for (const word of model.suppressed) values[row * V + word] = -1e6;
      }
      return { ...step, scores: step.scores.assign(values) };
    },
  };
}

/** The number of the image that has these features. */
function imageOf({ data }: TinyTask, row: { dataSync(): ArrayLike<number> }): number {
  const wanted = Array.from(row.dataSync());
  for (let image = 0; image < data.inputs.size; image++) {
    const own = data.inputs.batch([image]).dataSync();
    if (wanted.every((value, i) => value === own[i])) return image;
  }
  throw new Error('no image has these features');
}
