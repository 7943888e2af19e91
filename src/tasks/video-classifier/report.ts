/** The page of a classifier of clips: how it does on a split, and what it makes of some of its clips. */
import { basename } from 'node:path';
import { z } from 'zod';
import { SPLIT_NAMES } from '../../data/splits.js';
import { percent } from '../../data/text/printable.js';
import { openClips } from '../../data/video/clip-dataset.js';
import { UsageError } from '../../errors.js';
import { shapesCount } from '../../models/parameters.js';
import { chartAssets } from '../../report/assets.js';
import type { ShownClip } from '../../report/clip-card.js';
import { renderClipReport } from '../../report/clip-report.js';
import type { Figure } from '../../report/page.js';
import { evenlyByScore } from '../../report/report-picture.js';
import { clipsToJudge } from '../frame-features.js';
import { skipBadClips, told } from '../kind.js';
import type { Reported, Reporter } from '../report.js';
import { MOST_CLIPS } from '../shown-films.js';
import { describeVideoClassifier } from './config.js';
import { type ClipReport, judgeClips, viewFlags } from './evaluation.js';
import { ClipInputs } from './inputs.js';
import type { VideoClassifierModel } from './kind.js';
import { prepareClip, withReader } from './prepare-clip.js';
import { readForReport } from './shown-clips.js';

const options = viewFlags.extend({
  skipBad: skipBadClips,
  split: z.enum(SPLIT_NAMES).default('dev').meta({ flag: '--split <name>', help: 'which clips' }),
  clips: z.int().positive().max(MOST_CLIPS).default(12).meta({
    flag: '--clips <count>',
    help: 'that the page shows, evenly from the surest to the most wrong',
  }),
});

export const reporter: Reporter<VideoClassifierModel> = {
  summary:
    'how many clips are right, what is taken for what, and clips that play, with scores over time',
  options,
  async report(
    { model: trained, training, source },
    { dataset: specification, command, note },
    asked,
  ) {
    const { split, skipBad, clips: count, ...views } = options.parse(asked);
    const model = await withReader(trained);
    const dataset = told(await openClips(specification), note);
    const clips = await clipsToJudge(dataset, { specification, split, skipBad }, note);
    requireSameClasses({ model, source }, dataset.classes, dataset.name);
    note(`classifying ${clips.length} clips`);
    const inputs = new ClipInputs(clips, model.config, (clip) => prepareClip(clip, model));
    const { probabilities, ...judged } = await judgeClips(model, inputs, views);
    const chosen = evenlyByScore(
      clips.map(({ label }, index) => probabilities[index]?.[label] ?? 0),
      count,
    );
    const shown: ShownClip[] = [];
    for (const index of chosen) {
      const clip = clips[index];
      if (clip) shown.push(await (await readForReport(clip, model)).look(views));
    }
    const about = aboutClips(shown.length, clips.length);
    const parameters = shapesCount(model.network.shapes).toLocaleString('en');
    const page = renderClipReport(
      {
        title: `${dataset.name}, ${split}`,
        subtitle: `What ${basename(source)} says about ${clips.length.toLocaleString('en')} clips of ${model.classes.length} classes: ${describeVideoClassifier(model.config)}, ${parameters} parameters.`,
        figures: clipFigures(judged),
        classes: model.classes,
        confusion: judged.confusion,
        about,
        clips: shown,
        history: training?.progress.history ?? [],
        command: { title: 'Make this report again', text: command },
      },
      await chartAssets(),
    );
    return {
      page,
      shown: shown.length,
      about,
      value: {
        dataset: dataset.name,
        split,
        model: source,
        classes: model.classes,
        ...judged,
      },
      lines: [
        `${dataset.name}, ${split}: ${judged.clips} clips, error ${percent(judged.error, 2)} (${judged.mistakes} mistakes), loss ${judged.loss.toFixed(4)} nats`,
      ],
    };
  },
};

/** How it does, the most important figure first. */
export function clipFigures({
  clips,
  mistakes,
  error,
  loss,
  views,
  viewMistakes,
}: Omit<ClipReport, 'probabilities'>): Figure[] {
  return [
    {
      label: 'Clips right',
      value: percent(1 - error),
      hint: `${clips - mistakes} of ${clips}`,
    },
    ...(views > clips
      ? [
          {
            label: 'Windows right',
            value: percent(1 - viewMistakes / views),
            hint: `each of ${views.toLocaleString('en')} for itself`,
          },
        ]
      : []),
    { label: 'Loss', value: loss.toFixed(4), hint: 'nats a clip' },
  ];
}

/** @throws UsageError naming the classes of both */
export function requireSameClasses(
  { model, source }: Pick<Reported<VideoClassifierModel>, 'model' | 'source'>,
  classes: readonly string[],
  name: string,
): void {
  if (`${classes}` === `${model.classes}`) return;
  throw new UsageError(
    `${source} knows the classes ${model.classes.join(', ')}, ${name} has ${classes.join(', ')}`,
  );
}

function aboutClips(shown: number, all: number): string {
  if (shown === all) return all === 1 ? 'the only one' : `all ${all.toLocaleString('en')}`;
  return `${shown} of ${all.toLocaleString('en')}, evenly from the surest to the most wrong`;
}
