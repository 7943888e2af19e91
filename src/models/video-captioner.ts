/** The captioner of clips: from frames, as features or pixels, to words. */
import type { FloatDType } from '../engine/blas.js';
import { Random } from '../random.js';
import type { Tensor } from '../tensor/tensor.js';
import { CaptionModel } from './caption-model.js';
import { type CaptionerParameters, captionerShapes } from './captioner-parameters.js';
import type { Drop } from './captioner-scores.js';
import type { Seen } from './captioner-state.js';
import { type ClipFrames, clipState } from './clip-state.js';
import { initialise, type ShapesOf } from './parameters.js';
import {
  type FullVideoConfig,
  fullVideoConfig,
  type VideoCaptionerConfig,
} from './video-captioner-config.js';

/**
 * A captioner of clips: what stands in T frames x_t, features of them or with `cnn` pictures, comes together
 * in one of three ways, `combine`. The words are those of `Captioner`.
 *
 * `mean`: the mean of the frames is what a captioner sees of a picture. Their order is lost.
 *
 *     x = 1/T Σ_t x_t;   h0 = x Wp + bp;   h = cell(embedding[words], h0)
 *
 * `s2vt`: a stack of two recurrent layers reads the frames, then says the words. The reader below sees the
 * frames, then null frames; the layer above sees null words, then words, and always what the reader gives.
 *
 *     r_t = reader(x_t Wp + bp, r_{t-1}),   h_t = cell([0, r_t], h_{t-1})               t = 1 ... T
 *     r_t = reader(0, r_{t-1}),             h_t = cell([embedding[word_t], r_t], h_{t-1})   t > T
 *
 * `attention`: at every word the hidden state weighs the frames, or the places of all frames.
 *
 *     values = relu(x We + be + P);   h0, c0 = tanh(mean(values) W + b);   h = cell([word, context], h)
 *
 * With `cnn.motion` the cnn sees beside each frame x_t how it differs from the one before, x_t - x_{t-1}.
 *
 * Frames that a clip does not have, where others of its batch are longer, are not read.
 *
 * Source: Venugopalan et al. 2015a ("Translating Videos to Natural Language") for `mean`; Venugopalan et al.
 * 2015b ("Sequence to Sequence - Video to Text") for `s2vt`; Yao et al. 2015 for `attention`. The vectors P of
 * the places are not in that paper: its attention cannot tell one frame's time from another's.
 */
export class VideoCaptioner extends CaptionModel<ClipFrames> {
  readonly config: FullVideoConfig;
  readonly parameters: CaptionerParameters;

  /**
   * @param options.parameters use these instead of fresh ones (restoring a checkpoint).
   * @param options.random source of the initial weights.
   * @throws UsageError as `fullVideoConfig`.
   */
  constructor(
    config: VideoCaptionerConfig,
    options: { random?: Random; dtype?: FloatDType; parameters?: CaptionerParameters } = {},
  ) {
    super();
    this.config = fullVideoConfig(config);
    this.parameters =
      options.parameters ??
      initialise<CaptionerParameters>(
        videoCaptionerShapes(this.config),
        options.random ?? new Random(0),
        options.dtype,
      );
  }

  numbersOf({ x }: ClipFrames): Tensor {
    return x;
  }

  protected see(parameters: CaptionerParameters, clips: ClipFrames, drop: Drop): Seen {
    return clipState(this.config, parameters, clips, drop);
  }
}

/** Shapes and first values of the parameters: those of a captioner, and of s2vt the reader's. */
export function videoCaptionerShapes(config: FullVideoConfig): ShapesOf<CaptionerParameters> {
  return captionerShapes(config, { reader: config.combine === 's2vt' });
}
