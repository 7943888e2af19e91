/** How captioners that Glimpse 0.1 saved are read. */
import { z } from 'zod';
import type { SafetensorsFile } from '../../data/formats/safetensors.js';
import { isRecord, jsonOf } from '../../data/formats/strict-json.js';

/** The file of a captioner of Glimpse 0.1 in today's form. */
export function upgrade(file: SafetensorsFile): SafetensorsFile {
  const { metadata, tensors } = file;
  const { finetuneEncoder } = oldTraining.safeParse(jsonOf(metadata.training)).data?.recipe ?? {};
  const renamed = (name: string) => {
    if (name.startsWith('captioner.')) return `model.${parameterOf(name.slice(10))}`;
    const [, kind, path] = /^optimiser\.(m|v|velocity)\.(.*)$/.exec(name) ?? [];
    if (kind === undefined || path === undefined) return name;
    return finetuneEncoder && path.startsWith('encoder.')
      ? `optimiser.encoder.${kind}.${path.slice(8)}`
      : `optimiser.captioner.${kind}.${parameterOf(path)}`;
  };
  const { vocabulary, preprocessing, encoder } = metadata;
  const json = Object.entries({ vocabulary, preprocessing, encoder }).flatMap(([name, text]) =>
    text === undefined ? [] : [`"${name}":${text}`],
  );
  return {
    ...file,
    tensors: new Map([...tensors].map(([name, tensor]) => [renamed(name), tensor])),
    metadata: {
      config: configOf(metadata.captioner ?? ''),
      extras: `{${json.join(',')}}`,
      ...(metadata.training && { training: trainingOf(metadata.training, metadata.baseline) }),
    },
  };
}

/** Today's names of groups of parameters. */
const groups: Readonly<Record<string, string>> = { vision: 'cnn', saying: 'output' };

/** Today's path of a parameter. */
function parameterOf(path: string): string {
  const [group = '', ...rest] = path.split('.');
  return [groups[group] ?? group, ...rest].join('.');
}

/** The configuration in today's form. Fields that were left out had other defaults. */
function configOf(text: string): string {
  const config = jsonOf(text);
  if (!isRecord(config)) return text;
  const { vision, ...rest } = config;
  return JSON.stringify({
    normaliseFeatures: false,
    dropout: 0,
    ...rest,
    ...(vision !== undefined && { cnn: vision }),
  });
}

const oldMeasures = {
  devLoss: z.number(),
  devCider: z.number().optional(),
  devBleu4: z.number().optional(),
};
type OldMeasures = z.infer<z.ZodObject<typeof oldMeasures>>;

const oldTraining = z.object({
  recipe: z.looseObject({
    finetuneEncoder: z.string().optional(),
    objective: z.string().optional(),
  }),
  progress: z.looseObject({
    epochLoss: z.number(),
    epochWords: z.number(),
    epochReward: z.number().default(0),
    epochSamples: z.number().default(0),
    best: z.object({ epoch: z.number(), ...oldMeasures }).optional(),
    history: z.array(
      z.looseObject({ trainLoss: z.number(), trainReward: z.number().optional(), ...oldMeasures }),
    ),
  }),
  dataset: z.unknown(),
  optimiser: z.object({ kind: z.string(), steps: z.number() }),
});

/** Where training stood, with today's names. Text of another form stays as it is, for the reader to refuse. */
function trainingOf(text: string, baseline: string | undefined): string {
  const parsed = oldTraining.safeParse(jsonOf(text));
  if (!parsed.success) return text;
  const { recipe, progress, dataset, optimiser } = parsed.data;
  const { objective, ...rest } = recipe;
  const { epochLoss, epochWords, epochReward, epochSamples, best, history, ...place } = progress;
  const dev = ({ devLoss, devCider, devBleu4 }: OldMeasures) => ({
    loss: devLoss,
    ...(devCider !== undefined && { cider: devCider }),
    ...(devBleu4 !== undefined && { bleu4: devBleu4 }),
  });
  const { kind, steps } = optimiser;
  return JSON.stringify({
    recipe: { ...rest, selfCritical: objective === 'self-critical' },
    dataset,
    optimiser: {
      kind,
      steps: { captioner: steps, ...(recipe.finetuneEncoder !== undefined && { encoder: steps }) },
    },
    progress: {
      ...place,
      sums: {
        ...(epochWords > 0 && { loss: { total: epochLoss, count: epochWords } }),
        ...(epochSamples > 0 && { reward: { total: epochReward, count: epochSamples } }),
      },
      ...(best && { best: { epoch: best.epoch, dev: dev(best) } }),
      history: history.map(({ trainLoss, trainReward, devLoss, devCider, devBleu4, ...epoch }) => ({
        ...epoch,
        train: { loss: trainLoss, ...(trainReward !== undefined && { reward: trainReward }) },
        dev: dev({ devLoss, devCider, devBleu4 }),
      })),
    },
    task: baseline === undefined ? {} : { baseline: jsonOf(baseline) },
  });
}
