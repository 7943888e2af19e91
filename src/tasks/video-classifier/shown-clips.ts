/** Clips as the report shows them: their pictures, and what a model says of them over time. */
import type { Sequence } from '../../data/video/clip.js';
import type { Film } from '../../data/video/film.js';
import type { LabelledClip } from '../../data/video/labelled-clips.js';
import type { PreparedClip } from '../../data/video/prepared-clips.js';
import type { ClipMaps, ShownClip } from '../../report/clip-card.js';
import { flowColours } from '../../report/in-page/flow-colours.js';
import { greyPixels, signedPixels, usualMost } from '../../report/map-colours.js';
import { frameAt, stripLength } from '../../report/timeline.js';
import { filmForPage, MOST_FRAMES, sheetFilm, sheetOf } from '../shown-films.js';
import {
  type JudgedView,
  type JudgeOptions,
  judgedViews,
  meanProbabilities,
} from './evaluation.js';
import { filmOfPoints } from './film-of-points.js';
import { ClipInputs } from './inputs.js';
import type { VideoClassifierModel } from './kind.js';
import { prepareClip } from './prepare-clip.js';

/** A clip in the time of the report: seconds, or the steps of a sequence. */
interface ClipTime {
  readonly end: number;
  readonly unit: ShownClip['unit'];
  /** When a step of the network begins. */
  timeOf(step: number): number;
  /** The step at a time. */
  stepAt(time: number): number;
}

/** A clip that was read for the report. */
export interface ReadClip {
  /** What the model says of it now. */
  look(options: JudgeOptions): Promise<ShownClip>;
}

/**
 * Reads a clip for the report, once; its model may learn on.
 * @throws as `prepareClip` and `readFilm`.
 */
export async function readForReport(
  labelled: LabelledClip,
  model: VideoClassifierModel,
): Promise<ReadClip> {
  const { id, clip, label } = labelled;
  const prepared = await prepareClip(labelled, model);
  const film =
    'D' in clip
      ? filmOfPoints(prepared, clip.D, model.config.scale?.points, MOST_FRAMES)
      : await filmForPage(clip);
  const time = 'D' in clip || !film ? timeOfSteps(prepared.length) : timeOfFilm(film, model);
  const seen = {
    id,
    label,
    end: time.end,
    unit: time.unit,
    film: film && (await sheetFilm(film)),
    maps: await mapsOf(prepared, clip, film, time, model),
  };
  return {
    async look(options) {
      const views = await viewsOf(prepared, labelled, model, options);
      return {
        ...seen,
        probabilities: meanProbabilities(views, model.config.classes),
        scores: scoresOf(views, time),
      };
    },
  };
}

/** What a model says of all views of a clip. */
async function viewsOf(
  prepared: PreparedClip,
  labelled: LabelledClip,
  model: VideoClassifierModel,
  options: JudgeOptions,
): Promise<JudgedView[]> {
  const inputs = new ClipInputs([labelled], model.config, () => Promise.resolve(prepared));
  const views: JudgedView[] = [];
  for await (const view of judgedViews(model, inputs, options)) views.push(view);
  return views;
}

function timeOfFilm({ times, end }: Film, { rate, encoder }: VideoClassifierModel): ClipTime {
  const { frames } = encoder ?? {};
  if (frames !== undefined) {
    // Each of so many frames stands for its part of the clip.
    return {
      end,
      unit: 's',
      timeOf: (step) => Math.min(end, ((step + 0.5) / frames) * end),
      stepAt: (time) => Math.min(frames - 1, Math.floor((time / end) * frames)),
    };
  }
  return {
    end,
    unit: 's',
    timeOf: (step) => (rate === undefined ? (times[step] ?? end) : step / rate),
    stepAt: (time) => (rate === undefined ? frameAt(times, time) : Math.floor(time * rate + 1e-9)),
  };
}

function timeOfSteps(end: number): ClipTime {
  return { end, unit: 'steps', timeOf: (step) => step, stepAt: (time) => Math.floor(time) };
}

/** Over time: each window where there are several, or else each step of a network that scores these. */
function scoresOf(views: readonly JudgedView[], { timeOf }: ClipTime): ShownClip['scores'] {
  const [first] = views;
  if (views.length > 1) {
    return {
      of: 'window',
      times: views.map(({ view }) => (timeOf(view[0] ?? 0) + timeOf((view.at(-1) ?? 0) + 1)) / 2),
      values: views.map(({ probabilities }) => probabilities),
    };
  }
  if (!first?.steps) return undefined;
  return {
    of: 'step',
    times: Array.from(first.view, timeOf),
    values: first.steps,
    weights: first.weights,
  };
}

/** What the network is given, where that is no picture: the maps of the hardwired layer, or the numbers of a sequence. */
async function mapsOf(
  prepared: PreparedClip,
  clip: LabelledClip['clip'],
  film: Film | undefined,
  time: ClipTime,
  { config, preprocessing }: VideoClassifierModel,
): Promise<ClipMaps[]> {
  if ('D' in clip) return [await numbersOf(prepared, clip)];
  if (config.network !== 'ji' || !film || !preprocessing) return [];
  const { width, height } = preprocessing;
  const area = width * height;
  const count = stripLength(film.frames);
  const steps = Array.from({ length: count }, (_, i) => {
    return Math.min(prepared.length - 1, time.stepAt(((i + 0.5) / count) * time.end));
  });
  const channels = Array.from({ length: 5 }, () => new Float32Array(count * area));
  const values = new Float32Array(5 * area);
  for (const [i, step] of steps.entries()) {
    prepared.write(step, values, 0, area);
    for (const [c, channel] of channels.entries()) {
      channel.set(values.subarray(c * area, (c + 1) * area), i * area);
    }
  }
  const [grey, x, y, flowX, flowY] = channels;
  if (!grey || !x || !y || !flowX || !flowY) return [];
  const steepest = usualMost([...x, ...y]);
  const fastest = usualMost(flowX.map((value, i) => Math.hypot(value, flowY[i] ?? 0)));
  const signs = (to: string) =>
    ({ hint: `brighter ${to}: orange, darker: blue`, key: 'signs' }) as const;
  const rows: (Omit<ClipMaps, 'sheet'> & { readonly pixels: Uint8Array })[] = [
    { name: 'grey', hint: 'what the network is given', pixels: greyPixels(grey) },
    { name: 'gradient x', ...signs('to the right'), pixels: signedPixels(x, steepest) },
    { name: 'gradient y', ...signs('downwards'), pixels: signedPixels(y, steepest) },
    {
      name: 'flow',
      hint: 'motion: the colour is the direction, the fuller the faster; white rests',
      key: 'directions',
      pixels: flowColours().pixels(flowX, flowY, fastest),
    },
  ];
  const maps: ClipMaps[] = [];
  for (const { pixels, ...map } of rows) {
    maps.push({ ...map, sheet: await sheetOf({ width, height, channels: 3, values: pixels }) });
  }
  return maps;
}

/** Most columns and rows of a picture of numbers. */
const MOST_ACROSS = 1000;
const MOST_DOWN = 120;

/** The numbers of a sequence as one picture: time to the right, a row a number. */
async function numbersOf(prepared: PreparedClip, { D }: Sequence): Promise<ClipMaps> {
  const T = prepared.length;
  const [across, down] = [Math.min(T, MOST_ACROSS), Math.min(D, MOST_DOWN)];
  const picture = new Float32Array(down * across);
  const values = new Float32Array(D);
  for (let x = 0; x < across; x++) {
    prepared.write(Math.floor((x * T) / across), values, 0, 0);
    for (let y = 0; y < down; y++)
      picture[y * across + x] = values[Math.floor((y * D) / down)] ?? 0;
  }
  // Of each number how it moves: about its own mean.
  for (let y = 0; y < down; y++) {
    const row = picture.subarray(y * across, (y + 1) * across);
    const mean = row.reduce((sum, value) => sum + value, 0) / across;
    row.set(row.map((value) => value - mean));
  }
  const pixels = signedPixels(picture, usualMost(picture));
  return {
    name: D === 1 ? 'number' : `${D} numbers`,
    hint: 'a row a number: blue below its mean, orange above',
    key: 'signs',
    sheet: await sheetOf({ width: across, height: down, channels: 3, values: pixels }),
    isWhole: true,
  };
}
