/** What photos show, in sentences, for `glimpse caption`. */
import { loadPixels } from '../../data/pictures/photos.js';
import type { Captioning } from '../captioning.js';
import { captionEach } from '../captions/found.js';
import type { CaptionerModel } from './kind.js';
import { PhotoCaptioner } from './photo-captioner.js';

export const captioning: Captioning<CaptionerModel> = {
  of: 'photo',
  withoutAttention: 'the model looks at the picture once, not at parts of it for each word',
  async start(models) {
    const captioner = await PhotoCaptioner.create(models, loadPixels);
    return {
      attentionForm: captioner.attentionForm,
      each: (files, options) => captionEach(captioner, files, options),
    };
  },
};
