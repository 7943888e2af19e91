/** What is asked of a captioner of clips, and the configuration that it makes. */
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { type CnnConfig, cnnFeatureSize, cnnMapSize } from '../../models/cnn.js';
import {
  type FullVideoConfig,
  fullVideoConfig,
  seesGrids,
  videoCaptionerFields,
} from '../../models/video-captioner-config.js';

/** The fields of a configuration with flags, and what else is asked: the data complete it. */
export const videoCaptionerChoices = videoCaptionerFields.extend({
  places: z
    .enum(['frames', 'grid'])
    .default('frames')
    .meta({
      flag: '--places <kind>',
      help: 'attend to frames as wholes, or to the places of all of them',
      needs: { combine: ['attention'] },
    }),
});

/** What is given on the command line, or by a caller: any part of it. */
type Asked = Readonly<Record<string, unknown>>;

/** A saved configuration in the words of the flags. */
export function choicesOf(config: FullVideoConfig): Asked {
  return { ...config, places: seesGrids(config) ? 'grid' : 'frames' };
}

/** Features of frames that a captioner takes. */
export interface FrameForm {
  /** Of a frame: (D), or (L, D) of a grid. */
  readonly shape: readonly number[];
  /** The places of a grid. */
  readonly locations: readonly [H: number, W: number] | undefined;
}

/** Whether the frames of a captioner are to be grids of places. */
export function asksForGrids(asked: Asked): boolean {
  const { combine } = combining(asked);
  if (combine === 'mean') return attentionOf(asked, combine) !== undefined;
  const { places } = videoCaptionerChoices.pick({ places: true }).parse(asked);
  return places === 'grid';
}

/**
 * The configuration of a captioner of features of frames; or, without them, of one that sees frames itself.
 * @throws UsageError for what does not go together
 */
export function configFor(
  asked: Asked,
  vocabularySize: number,
  features?: FrameForm,
): FullVideoConfig {
  const cnn = features ? undefined : videoCaptionerFields.shape.cnn.unwrap().parse(asked.cnn ?? {});
  const { combine, frames } = combining(asked);
  const attention = attentionOf(asked, combine);
  const grid = asksForGrids(asked);
  const own = cnn && ownForm(cnn, grid);
  const { shape = [], locations = [1, 1] } = features ?? own ?? {};
  const { places: _, ...rest } = asked;
  return fullVideoConfig({
    ...rest,
    combine,
    frames,
    cnn,
    vocabularySize,
    featureSize: shape.at(-1) ?? 0,
    attention: attention && {
      ...attention,
      locations: [combine === 'mean' ? 1 : frames, ...locations],
    },
  });
}

/** What a cnn makes of a frame. */
function ownForm(cnn: CnnConfig, grid: boolean): FrameForm {
  const side = cnnMapSize(cnn);
  return grid
    ? { shape: [side * side, cnn.filters.at(-1) ?? 3], locations: [side, side] }
    : { shape: [cnnFeatureSize(cnn)], locations: undefined };
}

/** The attention that is asked for: additive unless another kind is said; undefined where there is none. */
function attentionOf({ attention }: Asked, combine: FullVideoConfig['combine']): Asked | undefined {
  const asked = { ...(typeof attention === 'object' ? attention : {}) };
  const given = 'kind' in asked;
  if (combine === 's2vt' && given) {
    throw new UsageError(
      '--attention is for --combine attention, or mean with a grid, but s2vt reads all frames: add one, or leave --attention out',
    );
  }
  if (combine === 'attention') return { kind: 'additive', ...asked };
  return given ? asked : undefined;
}

function combining(asked: Asked): Pick<FullVideoConfig, 'combine' | 'frames'> {
  return videoCaptionerFields.pick({ combine: true, frames: true }).parse(asked);
}

/** `attention to 16 frames of 48x48`. */
export function describeVideoCaptioner({
  combine,
  frames,
  cnn,
  attention,
  featureSize,
}: FullVideoConfig): string {
  const size = cnn ? ` of ${cnn.size}x${cnn.size}` : ` of ${featureSize} features`;
  const looks = attention ? `${attention.kind} attention` : '';
  const way = {
    mean: `the mean of ${frames} frames${size}${looks && `, ${looks}`}`,
    s2vt: `s2vt of ${frames} frames${size}`,
    attention: `${looks} to ${frames} frames${size}`,
  };
  return way[combine];
}
