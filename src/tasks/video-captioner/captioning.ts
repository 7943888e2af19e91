/** What happens in clips, as wholes or from stretch to stretch, for `glimpse caption`. */
import type { Captioning } from '../captioning.js';
import { captionEach } from '../captions/found.js';
import { ClipCaptioner } from './clip-captioner.js';
import type { VideoCaptionerModel } from './kind.js';

export const captioning: Captioning<VideoCaptionerModel> = {
  of: 'clip',
  withoutAttention:
    'the model has seen all frames before it speaks, and looks at none for each word',
  async start(models, onNote) {
    const captioner = await ClipCaptioner.create(models, { onNote });
    return {
      attentionForm: captioner.attentionForm,
      each: (files, options) => captionEach(captioner, files, options),
      follow: (file, every, options) => captioner.follow(file, every, options),
    };
  },
};
