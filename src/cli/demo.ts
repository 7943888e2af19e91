/** `glimpse demo`: trains a small captioner on drawn scenes and proves what it can, in one command. */
import { join } from 'node:path';
import { Command } from 'commander';
import type { CaptionedImage } from '../data/captions/captioned-images.js';
import { makeFolder } from '../data/formats/folders.js';
import type { WorkLock } from '../data/formats/work-lock.js';
import { writeFileAtomically } from '../data/formats/write-files.js';
import { encodePng, loadPixels } from '../data/pictures/photos.js';
import type { PictureSize } from '../data/pictures/preprocessing.js';
import { percent } from '../data/text/printable.js';
import { engine } from '../engine/engine.js';
import { isExact } from '../metrics/words.js';
import {
  type DemoOptions,
  demoDefaults,
  demoTarget,
  prepareDemo,
} from '../tasks/captioner/demo.js';
import { captioner } from '../tasks/captioner/index.js';
import { captionerKind, captionerParts } from '../tasks/captioner/kind.js';
import { pipelineOf } from '../tasks/captioner/pipelines.js';
import { CaptionerTask } from '../tasks/captioner/task.js';
import { sampleAll } from '../tasks/captions/measures.js';
import { encodeModel } from '../training/model-file.js';
import { readModel, TrainingRun } from '../training/run.js';
import { claimRunFolder } from '../training/run-folder.js';
import type { Outcome } from '../training/trainer.js';
import { type DemoResult, demoReport, type Picture, type Saying } from './demo-report.js';
import { tellFailure } from './failure.js';
import { positiveInteger, wholeNumber } from './flags.js';
import { writeAndSay } from './outputs.js';
import { refuseWhatWouldBeLost } from './runs.js';
import { answer, duration, interruption, note, TrainingDisplay } from './terminal.js';

interface Options extends DemoOptions {
  out: string;
  overwrite?: boolean;
  json?: boolean;
}

/** Held-out scenes that are printed and written as PNG files, and those in the report. */
const [printed, reported] = [12, 48];

/** `glimpse demo`: from nothing to a captioner with proof of what it can, in one command. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('train a small captioner on drawn scenes and show what it learned')
    .option('--out <folder>', 'folder for the model, the report and some pictures', 'glimpse-demo')
    .option('--scenes <count>', 'scenes to learn from', positiveInteger, demoDefaults.scenes)
    .option('--epochs <count>', 'passes over them', positiveInteger, demoDefaults.epochs)
    .option('--seed <number>', 'of scenes, weights and order', wholeNumber, demoDefaults.seed)
    .option('--overwrite', 'begin anew in a folder that holds a run already')
    .option('--json', 'print one JSON document at the end; errors are JSON, too')
    .addHelpText(
      'after',
      `\nFails unless more than ${percent(demoTarget)} of the held-out scenes get exactly the right caption\n(with fewer scenes or epochs than the default that is not judged).`,
    )
    .action(demo);
}

async function demo(options: Options): Promise<void> {
  refuseWhatWouldBeLost(options, '--overwrite begins anew');
  const lock = await claimRunFolder(options.out);
  try {
    await demonstrate(options, lock);
  } finally {
    await lock.release();
  }
}

async function demonstrate(options: Options, lock: WorkLock): Promise<void> {
  const { out } = options;
  const started = performance.now();
  const { blas, blasAbsent } = engine();
  // Products as small as these are done before a second thread has been woken.
  blas?.setThreads(1);
  if (!blas)
    note(`no system BLAS (${blasAbsent}): the own kernel takes about one and a half times as long`);
  note(`drawing ${options.scenes} scenes`);
  const { scenes, specification, model, recipe, data, dataset, preprocessing } =
    await prepareDemo(options);
  const { test } = scenes.splits;
  // Before training, so that a folder that cannot be written or a missing package shows at once.
  const pictures = await encodePictures(test.slice(0, reported), preprocessing);
  const files = await writePictures(out, pictures.slice(0, printed));

  const run = await TrainingRun.start({
    folder: out,
    task: new CaptionerTask(model.captioner, recipe, data),
    recipe,
    dataset,
    encode: (training) => encodeModel(captionerKind, captionerParts(model), training),
  });
  const { outcome, exitCode } = await train(run, lock);
  if (outcome === 'interrupted') {
    note(`continue with: glimpse train captioner ${specification} --out ${out} --resume`);
    process.exitCode = exitCode;
    return;
  }
  const sayings = await caption(run.path('best'), test);
  const result: DemoResult = {
    sayings,
    accuracy: sayings.filter(({ right }) => right).length / sayings.length,
    seconds: (performance.now() - started) / 1000,
    trainScenes: options.scenes,
    command: commandOf(options),
    captioner: model.captioner,
    progress: run.trainer.progress,
  };
  const report = join(out, 'report.html');
  const page = await demoReport(result, pictures);
  const best = run.path('best');
  await writeAndSay(
    () => writeFileAtomically(report, page),
    (written) =>
      tell(result, { report: written ? report : undefined, model: best, files }, options),
  );
}

async function train(
  run: TrainingRun,
  lock: WorkLock,
): Promise<{ outcome: Outcome; exitCode: number }> {
  const display = new TrainingDisplay(captioner.describe);
  const stop = interruption(() => {
    display.stop();
    note('stopping: saving the run (again to stop at once)');
  });
  try {
    const outcome = await run.run(display.events, { signal: stop.signal, lock });
    return { outcome, exitCode: stop.exitCode };
  } finally {
    display.stop();
    stop.release();
  }
}

/** What the saved model says about each scene: the file is asked, not the network in memory. */
async function caption(path: string, images: readonly CaptionedImage[]): Promise<Saying[]> {
  const { model } = await readModel(captionerKind, path);
  const pipeline = await pipelineOf(model, undefined);
  const { captioner, vocabulary } = model;
  const captions = await sampleAll(captioner, vocabulary, await pipeline.inputs(images));
  return images.map((image, index) => {
    const caption = captions[index] ?? '';
    return { image, caption, right: isExact(caption, image.captions) };
  });
}

async function encodePictures(
  images: readonly CaptionedImage[],
  size: PictureSize,
): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for (const { id, image } of images) {
    pictures.push({ id, png: await encodePng(await loadPixels(image, size)) });
  }
  return pictures;
}

async function writePictures(out: string, pictures: readonly Picture[]): Promise<string[]> {
  const folder = join(out, 'scenes');
  await makeFolder(folder);
  const paths: string[] = [];
  for (const { id, png } of pictures) {
    const path = join(folder, `${id}.png`);
    await writeFileAtomically(path, png);
    paths.push(path);
  }
  return paths;
}

/** Says how it went, and fails when a run of full size did not reach what it promises. */
function tell(
  { sayings, accuracy, seconds, trainScenes, progress }: DemoResult,
  { report, model, files }: { report: string | undefined; model: string; files: readonly string[] },
  { scenes, epochs, json }: Options,
): void {
  const right = sayings.filter((saying) => saying.right).length;
  const judged = scenes >= demoDefaults.scenes && epochs >= demoDefaults.epochs;
  const captions = sayings.slice(0, printed).map(({ image, caption, right }, index) => ({
    image: files[index],
    caption,
    truth: image.captions[0] ?? '',
    right,
  }));
  const [first = ''] = files;
  answer(
    json,
    {
      exactMatch: accuracy,
      right,
      heldOut: sayings.length,
      target: demoTarget,
      judged,
      trainScenes,
      epochs: progress.epoch,
      trainSeconds: progress.seconds,
      seconds,
      model,
      report,
      captions,
    },
    [
      '',
      ...captions.flatMap(({ caption, truth, right }) => [
        `${right ? '✓' : '✗'} says   ${caption}`,
        `  truth  ${truth}`,
      ]),
      '',
      `${percent(accuracy)} of ${sayings.length} held-out scenes captioned exactly right (${right}), in ${duration(seconds)}`,
      ...(report === undefined ? [] : [`report: ${report}`]),
      `try it: glimpse caption ${first} --model ${model}`,
    ],
  );
  if (!judged || accuracy > demoTarget) return;
  tellFailure({
    kind: 'below-target',
    message: `${percent(accuracy)} of the held-out scenes are captioned exactly right, but the demo promises more than ${percent(demoTarget)}`,
  });
  process.exitCode = 1;
}

function commandOf({ scenes, epochs, seed }: Options): string {
  return `glimpse demo --scenes ${scenes} --epochs ${epochs} --seed ${seed}`;
}
