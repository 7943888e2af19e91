/** The kinds of models that Glimpse trains: a new one is a folder here and a line in this list. */
import { autoencoder } from './autoencoder/index.js';
import { captioner } from './captioner/index.js';
import { classifier } from './classifier/index.js';
import type { TaskEntry } from './kind.js';
import { vae } from './vae/index.js';
import { videoCaptioner } from './video-captioner/index.js';
import { videoClassifier } from './video-classifier/index.js';

export const kinds: readonly TaskEntry[] = [
  captioner,
  classifier,
  videoClassifier,
  videoCaptioner,
  vae,
  autoencoder,
];
