/** All formats that the fuzz run damages. To add one, list it in the file of its family. */
import { featureFormats, pictureFormats } from './arrays.js';
import { captionFormats } from './captions.js';
import { clipSetFormats } from './clips.js';
import type { Format } from './format.js';
import { modelFormats } from './models.js';
import { photoFormats } from './photos.js';

export const formats: readonly Format[] = [
  ...featureFormats,
  ...pictureFormats,
  ...captionFormats,
  ...clipSetFormats,
  ...modelFormats,
  ...photoFormats,
];
