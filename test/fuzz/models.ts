/** Models, and the encoders of others. */
import { join } from 'node:path';
import { type OnnxGraph, onnxFile } from '@test/models/encoders/onnx.js';
import { randomSqueezenet } from '@test/models/encoders/random-squeezenet.js';
import { modelOf } from '@test/tasks/captioner/models.js';
import {
  CaptionTrainer,
  checkpointOf,
  fileOf,
  gridTask,
  recipe,
  tinyCaptioner,
  tinyTask,
} from '@test/tasks/captioner/tiny-task.js';
import { tinyPictures } from '@test/tasks/classifier/tiny-pictures.js';
import { encodeSafetensors } from '@/data/formats/safetensors.js';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { scope } from '@/engine/engine.js';
import { encoderFromBytes, restoreEncoder } from '@/models/encoders/open.js';
import { openEncoder } from '@/models/encoders/open-file.js';
import { initialise } from '@/models/parameters.js';
import { transformerSchema } from '@/models/spatial-transformer.js';
import { Random } from '@/random.js';
import { captionerKind } from '@/tasks/captioner/kind.js';
import {
  type ClassifierParameters,
  classifierShapes,
  fullClassifier,
  planClassifier,
} from '@/tasks/classifier/config.js';
import { classifierKind } from '@/tasks/classifier/kind.js';
import { classifierRecipeSchema } from '@/tasks/classifier/recipe.js';
import { ClassifierTask } from '@/tasks/classifier/task.js';
import { encodeModel } from '@/training/model-file.js';
import { readModel } from '@/training/run.js';
import { Trainer } from '@/training/trainer.js';
import type { Files, Format } from './format.js';

const MODEL = 'x.safetensors';

/** Opens a model as far as captions need it. */
async function readCaptioner(folder: string): Promise<void> {
  const { encoder } = (await readModel(captionerKind, join(folder, MODEL))).model;
  if (encoder) (await restoreEncoder(encoder, join(folder, MODEL))).dispose();
}

/** A captioner in the middle of its training. */
async function trained(attends: boolean): Promise<Files> {
  const task = attends ? gridTask() : tinyTask();
  const captioner = tinyCaptioner(task, attends ? { attention: 'additive' } : {});
  const trainer = new CaptionTrainer(captioner, recipe({ epochs: 1 }), task.data);
  await trainer.run();
  return { [MODEL]: fileOf(checkpointOf(task, trainer)) };
}

const side = 4;
const graph: OnnxGraph = {
  input: { name: 'x', shape: ['N', 3, side, side] },
  nodes: [
    { operator: 'Mul', input: ['x', 'w'], output: 'y' },
    { operator: 'Identity', input: 'y', output: 'grid' },
  ],
  tensors: [{ name: 'w', dims: [1], values: Float32Array.of(2) }],
  outputs: [{ name: 'grid', shape: ['N', 3, side, side] }],
};
const weights = { location: 'x.data', offset: '0', length: '4' };
const outside: OnnxGraph = { ...graph, tensors: [{ name: 'w', dims: [1], outside: weights }] };
const preprocessor = {
  do_resize: true,
  size: { shortest_edge: side },
  resample: 3,
  do_center_crop: true,
  crop_size: { height: side, width: side },
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};

/** Opens an encoder and shows it a photo, where that is not large. */
const encodes = (name: string) => async (folder: string) => {
  const encoder = await openEncoder(join(folder, name));
  try {
    const { width, height } = encoder.preprocessing;
    if (width * height > 512 * 512) return;
    await encoder.encode(new Float32Array(3 * width * height), 1, { grid: !!encoder.outputs.grid });
  } finally {
    encoder.dispose();
  }
};

const formats: readonly Format[] = [
  { name: 'model', files: () => trained(false), read: readCaptioner },
  { name: 'model-attending', files: () => trained(true), read: readCaptioner },
  {
    name: 'model-seeing',
    files: () => ({ [MODEL]: fileOf({ ...modelOf(1, 8), training: undefined }) }),
    read: readCaptioner,
  },
  {
    name: 'model-with-onnx',
    files: async () => {
      const preprocessing = { ...PREPROCESSING.imagenet, width: side, height: side };
      const encoder = await encoderFromBytes(onnxFile(graph), 'x.onnx', { preprocessing });
      const task = tinyTask();
      const captioner = tinyCaptioner({ ...task, featureSize: 3 });
      const { vocabulary } = task;
      const model = { captioner, vocabulary, preprocessing, training: undefined };
      return { [MODEL]: fileOf({ ...model, encoder: encoder.save() }) };
    },
    read: readCaptioner,
  },
  {
    name: 'classifier',
    files: async () => {
      const localiser = { transform: 'affine', localisation: 'fc', window: [12, 12] };
      const plan = planClassifier(
        fullClassifier({
          ...{ network: 'cnn', picture: [1, 12, 12], classes: 3, size: 3, dropout: 0.2 },
          transformers: [transformerSchema.parse(localiser)],
        }),
      );
      const dataset = tinyPictures(30);
      const shapes = classifierShapes(plan);
      const parameters = initialise<ClassifierParameters>(shapes, new Random(1));
      const { config } = plan;
      const classes = [...dataset.classes];
      const parts = { config, extras: { classes }, parameters, state: {}, attached: new Map() };
      const recipe = classifierRecipeSchema.parse({ batchSize: 10, epochs: 1 });
      const task = new ClassifierTask({ plan, parameters, classes }, recipe, dataset);
      const trainer = new Trainer(task, recipe);
      await trainer.run();
      const { optimisers, progress } = trainer;
      const identity = { name: 'tiny', fingerprint: '0' };
      const training = { recipe, optimisers, progress, dataset: identity };
      return { [MODEL]: Buffer.concat(encodeModel(classifierKind, parts, training)) };
    },
    read: (folder) => readModel(classifierKind, join(folder, MODEL)),
  },
  {
    name: 'squeezenet',
    slow: true,
    files: () => ({ [MODEL]: encodeSafetensors(randomSqueezenet()) }),
    read: async (folder) => (await openEncoder(join(folder, MODEL))).dispose(),
  },
  {
    name: 'onnx',
    files: () => ({ 'x.onnx': onnxFile(graph) }),
    read: encodes('x.onnx'),
  },
  {
    name: 'onnx-with-files',
    files: () => ({
      'x.onnx': onnxFile(outside),
      'x.data': new Uint8Array(4),
      'preprocessor_config.json': JSON.stringify(preprocessor),
    }),
    read: encodes('x.onnx'),
  },
];

/** What is read goes to the engine's heap, and is given back with the scope. */
export const modelFormats: readonly Format[] = formats.map(({ files, read, ...format }) => ({
  ...format,
  files: async () => {
    using _work = scope();
    return await files();
  },
  read: async (folder) => {
    using _work = scope();
    await read(folder);
  },
}));
