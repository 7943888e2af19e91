/** The page of a captioner of clips: what it says about the clips of a split, and which frames it looked at for each word. */
import { basename } from 'node:path';
import { z } from 'zod';
import { parameterCount } from '../../autograd/tree.js';
import type { CaptionedClip } from '../../data/video/captioned-clips.js';
import { openCaptionedClips } from '../../data/video/clip-caption-dataset.js';
import { readClip } from '../../data/video/read-clip.js';
import type { Hypothesis } from '../../decoding/hypothesis.js';
import { type DecodingOptions, parseDecoding } from '../../decoding/options.js';
import { isExact } from '../../metrics/words.js';
import { chartAssets } from '../../report/assets.js';
import type { CaptionedClip as ToldClip } from '../../report/clip-caption-card.js';
import { renderClipCaptionReport } from '../../report/clip-caption-report.js';
import { evenlyByScore } from '../../report/report-picture.js';
import { captionEvaluation } from '../captions/evaluation.js';
import { type Evaluation, evaluateModels } from '../captions/model-scores.js';
import {
  aboutShown,
  count,
  figuresOf,
  howDecoded,
  remarksOf,
  scaleNote,
  scoreAnswer,
} from '../captions/report-texts.js';
import { warnOf } from '../captions/scoring.js';
import { samplingOf } from '../frame-encoder.js';
import { clipsToJudge } from '../frame-features.js';
import { told } from '../kind.js';
import type { Reporter } from '../report.js';
import { filmForPage, MOST_CLIPS, sheetFilm } from '../shown-films.js';
import { describeVideoCaptioner } from './choices.js';
import { clipInputs, seenFrames } from './clip-inputs.js';
import { videoCaptionerEvaluation } from './evaluate.js';
import type { VideoCaptionerModel } from './kind.js';

const { split, skipBad, batchSize } = videoCaptionerEvaluation.shape;

const options = captionEvaluation
  .omit({ documentFrequencies: true, meteor: true, captions: true, out: true })
  .extend({
    split,
    skipBad,
    batchSize,
    clips: z
      .int()
      .positive()
      .max(MOST_CLIPS)
      .default(24)
      .meta({
        flag: '--clips <count>',
        help: `that the page shows, evenly from the best to the worst, at most ${MOST_CLIPS}`,
      }),
  });

export const reporter: Reporter<VideoCaptionerModel> = {
  summary:
    'All clips are captioned and scored; the page shows --clips of them, which play, and for each word the\nframes that were looked at.',
  options,
  async report({ model, training, source }, request, asked) {
    const { dataset: specification, command, note } = request;
    const { split, skipBad, clips: most, batchSize, ...decoding } = options.parse(asked);
    parseDecoding(decoding);
    const dataset = told(await openCaptionedClips(specification), note);
    const { name } = dataset;
    const clips = await clipsToJudge(dataset, { specification, split, skipBad }, note);
    const inputs = await clipInputs(clips, model, { seed: 0 });
    note(`captioning ${clips.length} clips`);
    const evaluation = await evaluateModels([{ model, inputs }], clips, { ...decoding, batchSize });
    const { scores } = evaluation;
    const chosen = evenlyByScore(
      scores.perImage.map(({ cider }) => cider),
      most,
    );
    const about = aboutShown(chosen.length, clips.length);
    const page = renderClipCaptionReport(
      {
        title: `${name}, ${split}`,
        subtitle: describeModel(basename(source), model, decoding, clips.length),
        figures: figuresOf(evaluation),
        scales: scaleNote('clip'),
        remarks: remarksOf(scores),
        about,
        clips: await toldClips(chosen, clips, model, evaluation),
        history: training?.progress.history ?? [],
        command: { title: 'Make this report again', text: command },
      },
      await chartAssets(),
    );
    warnOf(scores, note);
    const answer = scoreAnswer({ name, split, source, things: 'clips' }, evaluation);
    return { page, shown: chosen.length, about, ...answer };
  },
};

/** The chosen clips, made small, with what the model says about them. */
async function toldClips(
  chosen: readonly number[],
  clips: readonly CaptionedClip[],
  model: VideoCaptionerModel,
  { scores, found }: Evaluation,
): Promise<ToldClip[]> {
  const shown: ToldClip[] = [];
  for (const index of chosen) {
    const [clip, score, best] = [clips[index], scores.perImage[index], found[index]?.[0]];
    if (!clip || !score) continue;
    const film = await filmForPage(clip.clip);
    shown.push({
      id: clip.id,
      film: await sheetFilm(film),
      end: film.end,
      caption: score.caption,
      references: clip.captions,
      scores: score,
      verdict: isExact(score.caption, clip.captions) ? 'right' : 'wrong',
      ...(await wordsOf(best, clip, model)),
    });
  }
  return shown;
}

/** The words of a caption with the frames that were looked at for them, where the model looks at frames one by one. */
async function wordsOf(
  { words = [], wordLogProbabilities = [], attention }: Partial<Hypothesis> = {},
  { clip }: CaptionedClip,
  model: VideoCaptionerModel,
): Promise<Pick<ToldClip, 'words' | 'seen' | 'places'>> {
  const { captioner, vocabulary, preprocessing, encoder } = model;
  const { config } = captioner;
  const sampling = samplingOf(encoder, config.frameRate);
  const [T, H, W] = config.attention?.locations ?? [1, 1, 1];
  const looks = T > 1 && attention !== undefined;
  const seen = looks
    ? Array.from(seenFrames(await readClip(clip, { size: preprocessing, sampling }), model).times)
    : [];
  const places = H * W;
  return {
    seen,
    places,
    words: words.map((word, step) => ({
      word: vocabulary.word(word),
      probability: Math.exp(wordLogProbabilities[step] ?? Number.NaN),
      // Behind the frames of a short clip there is padding.
      attention: looks ? attention[step]?.slice(0, seen.length * places) : undefined,
    })),
  };
}

/** Which model it is, and how it decodes. */
function describeModel(
  file: string,
  { captioner: { config, parameters } }: VideoCaptionerModel,
  decoding: DecodingOptions,
  clips: number,
): string {
  return `What ${file} says about ${count(clips)} clips: ${describeVideoCaptioner(config)}, ${count(parameterCount(parameters))} parameters, ${howDecoded(decoding)}.`;
}
