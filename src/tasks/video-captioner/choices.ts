/** What is asked of a captioner of clips, and the configuration that it makes. */
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { cnnFeatureSize, cnnMapSize } from '../../models/cnn.js';
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

/**
 * The configuration of a captioner that sees frames itself.
 * @throws UsageError for what does not go together
 */
export function configForFrames(asked: Asked, vocabularySize: number): FullVideoConfig {
  const cnn = videoCaptionerFields.shape.cnn.unwrap().parse(asked.cnn ?? {});
  const { combine, frames } = combining(asked);
  const attention = attentionOf(asked, combine);
  const { places } = videoCaptionerChoices.pick({ places: true }).parse(asked);
  const grid = combine === 'mean' ? attention !== undefined : places === 'grid';
  const side = grid ? cnnMapSize(cnn) : 1;
  const locations = [combine === 'mean' ? 1 : frames, side, side];
  const { places: _, ...rest } = asked;
  return fullVideoConfig({
    ...rest,
    combine,
    frames,
    cnn,
    vocabularySize,
    featureSize: grid ? (cnn.filters.at(-1) ?? 3) : cnnFeatureSize(cnn),
    attention: attention && { ...attention, locations },
  });
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
}: FullVideoConfig): string {
  const size = cnn ? ` of ${cnn.size}x${cnn.size}` : '';
  const looks = attention ? `${attention.kind} attention` : '';
  const way = {
    mean: `the mean of ${frames} frames${size}${looks && `, ${looks}`}`,
    s2vt: `s2vt of ${frames} frames${size}`,
    attention: `${looks} to ${frames} frames${size}`,
  };
  return way[combine];
}
