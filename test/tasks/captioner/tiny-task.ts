import { leaves } from '@/autograd/tree.js';
import type { EncodedCaption } from '@/data/captions/batches.js';
import { encodeSafetensors, parseSafetensors } from '@/data/formats/safetensors.js';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { Vocabulary } from '@/data/text/vocabulary.js';
import { scope } from '@/engine/engine.js';
import { Captioner } from '@/models/captioner.js';
import type { AttentionKind, Cell } from '@/models/captioner-config.js';
import type { EncoderTail } from '@/models/encoders/squeezenet-tail.js';
import { Random } from '@/random.js';
import type { ImageInputs } from '@/tasks/captioner/image-inputs.js';
import { type CaptionerModel, captionerKind, captionerParts } from '@/tasks/captioner/kind.js';
import { type CaptionerRecipe, captionerRecipeSchema } from '@/tasks/captioner/recipe.js';
import { CaptionerTask } from '@/tasks/captioner/task.js';
import type { CaptionData } from '@/tasks/captions/objectives.js';
import { tensor } from '@/tensor/create.js';
import {
  decodeModel,
  encodeModel,
  restoredOptimisers,
  type TrainingState,
} from '@/training/model-file.js';
import type { Json } from '@/training/task.js';
import { Trainer } from '@/training/trainer.js';

const colours = ['red', 'green', 'blue'];
const shapes = ['ball', 'cube'];
const places = ['', 'on grass', 'in the water'];

/** Things that a feature vector shows without doubt: its three choices, one-hot, with some noise. */
export interface TinyTask {
  readonly data: CaptionData;
  readonly vocabulary: Vocabulary;
  readonly featureSize: number;
  /** Of the first images. */
  readonly truths: readonly string[];
  /** The features of the images that are trained on, one row each; tests may spoil them. */
  readonly features: Float32Array;
}

/** 48 images to learn from and 16 to measure on, all of them "colour shape [place]". */
export function tinyTask(seed = 1): TinyTask {
  const random = new Random(seed);
  const kinds = [colours, shapes, places];
  const D = kinds.flat().length;
  const draw = (count: number) => {
    const features = new Float32Array(count * D);
    const captions = Array.from({ length: count }, (_, image) => {
      let column = image * D;
      const words = kinds.map((kind) => {
        const choice = random.integer(kind.length);
        for (let k = 0; k < kind.length; k++, column++) {
          features[column] = Number(k === choice) + 0.05 * random.normal();
        }
        return kind[choice] ?? '';
      });
      return words.join(' ').trim();
    });
    return { features, captions };
  };
  const [train, dev] = [draw(48), draw(16)];
  const words = [...train.captions, ...dev.captions].map((caption) => caption.split(' '));
  const vocabulary = Vocabulary.build(words);
  const encode = (captions: readonly string[]): EncodedCaption[] =>
    captions.map((caption, imageIndex) => ({
      imageIndex,
      words: vocabulary.encode(caption.split(' ')),
    }));
  return {
    vocabulary,
    featureSize: D,
    truths: train.captions,
    features: train.features,
    data: {
      vocabulary,
      inputs: rows(train.features, D),
      train: encode(train.captions),
      dev: {
        inputs: rows(dev.features, D),
        captions: encode(dev.captions),
        references: dev.captions.map((caption) => [caption]),
      },
    },
  };
}

/** The same with grids: an image is three places, and each of them shows one of the choices. */
export function gridTask(): TinyTask {
  const task = tinyTask();
  const { data, featureSize: D } = task;
  const starts = [0, colours.length, colours.length + shapes.length, D];
  const placed = (inputs: ImageInputs): ImageInputs => ({
    size: inputs.size,
    batch: (images) => {
      const flat = inputs.batch(images).dataSync();
      const values = new Float32Array(images.length * 3 * D);
      for (let n = 0; n < images.length; n++) {
        for (let place = 0; place < 3; place++) {
          for (let d = starts[place] ?? 0; d < (starts[place + 1] ?? D); d++) {
            values[(n * 3 + place) * D + d] = flat[n * D + d] ?? Number.NaN;
          }
        }
      }
      return tensor(values, { shape: [images.length, 3, D] });
    },
  });
  const dev = { ...data.dev, inputs: placed(data.dev.inputs) };
  return { ...task, data: { ...data, inputs: placed(data.inputs), dev } };
}

/** A recipe of 4 quick epochs with what is given instead. */
export function recipe(options: Partial<CaptionerRecipe> = {}): CaptionerRecipe {
  return captionerRecipeSchema.parse({ batchSize: 8, epochs: 4, patience: 100, ...options });
}

/** A small captioner for the task, with `attention` for a `gridTask`; the same seed gives the same one. */
export function tinyCaptioner(
  { vocabulary, featureSize }: TinyTask,
  {
    cell = 'lstm',
    dropout = 0.3,
    seed = 5,
    attention: kind,
  }: { cell?: Cell; dropout?: number; seed?: number; attention?: AttentionKind } = {},
): Captioner {
  return new Captioner(
    {
      cell,
      featureSize,
      embeddingSize: 7,
      hiddenSize: 13,
      vocabularySize: vocabulary.size,
      dropout,
      attention: kind && { kind, locations: [1, 3], valueSize: 6, size: 5 },
    },
    { random: new Random(seed) },
  );
}

/** A trainer of a captioner, with the captioner at hand. */
export class CaptionTrainer extends Trainer {
  readonly captioner: Captioner;

  constructor(
    captioner: Captioner,
    recipe: CaptionerRecipe,
    data: CaptionData,
    saved?: Pick<TrainingState, 'optimisers' | 'progress' | 'task'>,
  ) {
    const task = new CaptionerTask(captioner, recipe, data);
    if (saved) task.restore(saved.task);
    super(task, recipe, saved);
    this.captioner = captioner;
  }
}

/** A model, and where its training stands. */
export interface Checkpoint extends CaptionerModel {
  readonly training: TrainingState | undefined;
}

/** Everything that a trainer stands on, as a model file would hold it. */
export function checkpointOf({ vocabulary }: TinyTask, trainer: CaptionTrainer): Checkpoint {
  const { captioner, recipe, optimisers, progress, task } = trainer;
  const side = captioner.config.cnn?.size ?? 224;
  return {
    captioner,
    vocabulary,
    preprocessing: { ...PREPROCESSING.imagenet, width: side, height: side },
    encoder: undefined,
    training: {
      recipe,
      optimisers,
      progress,
      dataset: { name: 'tiny', fingerprint: '00' },
      task: task.save?.(),
    },
  };
}

/** The bytes of a file with this checkpoint. */
export function fileOf({ training, ...model }: Checkpoint): Uint8Array {
  return Buffer.concat(encodeModel(captionerKind, captionerParts(model), training));
}

/** A checkpoint out of the bytes of a file. */
export function checkpointFrom(
  bytes: Uint8Array,
  tail?: EncoderTail,
  inTraining = true,
): Checkpoint {
  const source = 'tiny.glimpse';
  const file = parseSafetensors(bytes, source);
  using work = scope();
  const { model, training: saved } = decodeModel(captionerKind, file, source);
  if (!saved || !inTraining) {
    work.keep(model.captioner.parameters);
    return { ...model, training: undefined };
  }
  const recipe = captionerRecipeSchema.parse(saved.recipe);
  const groups = [
    { name: 'captioner', parameters: model.captioner.parameters, share: 1 },
    ...(tail ? [{ name: 'encoder', parameters: tail.parameters, share: 1 }] : []),
  ];
  const optimisers = restoredOptimisers(saved, { groups }, recipe, source);
  const { progress, dataset } = saved;
  work.keep([model.captioner.parameters, ...Object.values(optimisers).map(({ state }) => state)]);
  return {
    ...model,
    training: { recipe, optimisers, progress, dataset, task: saved.task as Json },
  };
}

/** The file with other tensors or metadata, still valid as safetensors. */
export function changed(
  bytes: Uint8Array,
  change: (file: ReturnType<typeof parseSafetensors>) => void,
): Uint8Array {
  const file = parseSafetensors(bytes, 'tiny.glimpse');
  change(file);
  return encodeSafetensors(file.tensors, file.metadata);
}

/** Goes on training from a checkpoint. */
export function resumed(task: TinyTask, { captioner, training }: Checkpoint): CaptionTrainer {
  const saved = found(training);
  const recipe = captionerRecipeSchema.parse(saved.recipe);
  return new CaptionTrainer(captioner, recipe, task.data, saved);
}

/** All that must be equal between two runs: the wall clock is the only thing left out. */
export function stateOf({ captioner, training }: Checkpoint) {
  const { optimisers, progress, recipe, dataset, task } = found(training);
  const { seconds: _, history, ...rest } = progress;
  const bits = (tree: Parameters<typeof leaves>[0]) =>
    [...leaves(tree)].map(([path, leaf]) => [path, leaf.shape, leaf.dtype, leaf.dataSync()]);
  return {
    config: captioner.config,
    parameters: bits(captioner.parameters),
    optimisers: Object.entries(optimisers).map(([name, { kind, steps, state }]) => {
      return { name, kind, steps, state: bits(state) };
    }),
    progress: { ...rest, history: history.map(({ seconds: _, ...epoch }) => epoch) },
    recipe,
    dataset,
    task,
  };
}

function found(training: TrainingState | undefined): TrainingState {
  if (!training) throw new Error('the checkpoint has no training state');
  return training;
}

function rows(features: Float32Array, D: number): ImageInputs {
  return {
    size: features.length / D,
    batch: (images) =>
      tensor(
        Float32Array.from({ length: images.length * D }, (_, i) => {
          const image = images[Math.floor(i / D)] ?? Number.NaN;
          return features[image * D + (i % D)] ?? Number.NaN;
        }),
        { shape: [images.length, D] },
      ),
  };
}
