/** The captioner of pictures: from features of them, or from their pixels, to words. */
import type { FloatDType } from '../engine/blas.js';
import { UsageError } from '../errors.js';
import { Random } from '../random.js';
import type { Tensor } from '../tensor/tensor.js';
import { CaptionModel } from './caption-model.js';
import { type CaptionerConfig, type FullConfig, fullConfig } from './captioner-config.js';
import { type CaptionerParameters, captionerShapes } from './captioner-parameters.js';
import type { Drop } from './captioner-scores.js';
import type { Seen } from './captioner-state.js';
import type { EncoderTail } from './encoders/squeezenet-tail.js';
import { encodedFeatures, imageState, ownFeatures } from './image-state.js';
import { initialise } from './parameters.js';

/**
 * The recurrent captioner of the CS231n lectures: the image's features become the first hidden
 * state, words are embedded, a recurrent cell reads them, and every hidden state scores the next
 * word.
 *
 *     h0 = features Wp + bp;   h = cell(embedding[words], h0);   scores = h Wv + bv
 *
 * With `attention` the image comes as a grid of features, and at every step the hidden state weighs its
 * places: their weighted mean, the context, goes into the cell with the word.
 *
 *     values = relu(grid We + be);   h0, c0 = tanh(mean(values) W + b);   h = cell([word, context], h)
 *
 * With `cnn`, features come from a small network that is trained along. The first state is normalised,
 * so that it cannot saturate the gates. It is the LSTM's first memory too: through the gates of an
 * untrained cell hardly any gradient would reach the filters.
 *
 *     h0 = c0 = layerNorm(cnnFeatures(pictures) Wp + bp)
 *
 * What goes in, as `inputs`: features (M, D), with attention (M, L, D), with `cnn` pictures (M, 3, S, S).
 *
 * Source: CS231n, assignment 3; Vinyals et al. 2015 feed the image as a word instead; Xu et al.
 * 2015 for attention, and for c0 by the image.
 */
export class Captioner extends CaptionModel {
  readonly config: FullConfig;
  readonly parameters: CaptionerParameters;
  /**
   * The end of an encoder that is trained along: `features` are then, everywhere, what goes into
   * this end. A model file has it as part of the encoder, and a captioner out of one has none.
   */
  readonly tail: EncoderTail | undefined;

  /**
   * @param options.parameters use these instead of fresh ones (restoring a checkpoint).
   * @param options.random source of the initial weights.
   * @throws UsageError as `fullConfig`, and for a tail where the captioner has a cnn of its own.
   */
  constructor(
    config: CaptionerConfig,
    options: {
      random?: Random;
      dtype?: FloatDType;
      parameters?: CaptionerParameters;
      tail?: EncoderTail | undefined;
    } = {},
  ) {
    super();
    this.config = fullConfig(config);
    const { tail } = options;
    if (tail && this.config.cnn) {
      throw new UsageError('a captioner that sees pictures itself has no encoder to train along');
    }
    const own =
      options.parameters ??
      initialise<CaptionerParameters>(
        captionerShapes(this.config),
        options.random ?? new Random(0),
        options.dtype,
      );
    this.parameters = tail ? { ...own, encoder: tail.parameters } : own;
    this.tail = tail;
  }

  /** The features of some images, (M, D) or a grid (M, L, D), where an encoder's end is trained along. */
  features(inputs: Tensor): Tensor {
    return encodedFeatures(this.tail, this.config, this.parameters, inputs);
  }

  numbersOf(inputs: Tensor): Tensor {
    return inputs;
  }

  protected see(parameters: CaptionerParameters, inputs: Tensor, drop: Drop): Seen {
    const { config, tail } = this;
    const features = config.cnn
      ? ownFeatures(parameters.cnn, inputs, {
          grid: config.attention !== undefined,
          strides: config.cnn.strides,
        })
      : encodedFeatures(tail, config, parameters, inputs);
    return imageState(config, parameters, features, drop);
  }
}
