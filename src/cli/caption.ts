import { Command } from 'commander';
import { PhotoCaptioner } from '../captioning/photo-captioner.js';
import { loadPixels } from '../data/photos.js';
import { GlimpseError } from '../errors.js';
import { readCheckpoint } from '../training/model-file.js';
import { positiveInteger } from './options.js';
import { note } from './terminal.js';

interface Options {
  model: string;
  maxLength: number;
  json?: boolean;
}

/** `glimpse caption <photo...> --model <file>`: a line for each photo, as soon as it is known. */
export function captionCommand(): Command {
  return new Command('caption')
    .description('say what photos show')
    .argument('<photo...>', 'JPEG, PNG, WebP, GIF, TIFF or AVIF files')
    .requiredOption('--model <file>', 'a model that glimpse train wrote')
    .option('--max-length <words>', 'longest caption', positiveInteger, 30)
    .option('--json', 'print one JSON document a photo: {"photo", "caption"}')
    .action(async (photos: string[], { model, maxLength, json }: Options) => {
      const captioner = await PhotoCaptioner.create(await readCheckpoint(model), loadPixels);
      let failed = 0;
      for (const photo of photos) {
        try {
          const [result] = await captioner.caption([{ path: photo }], { maxLength });
          const caption = result?.caption ?? '';
          const line = photos.length === 1 ? caption : `${photo}: ${caption}`;
          process.stdout.write(`${json ? JSON.stringify({ photo, caption }) : line}\n`);
        } catch (error) {
          // One bad photo among many must not cost the others their captions.
          if (!(error instanceof GlimpseError)) throw error;
          note(`glimpse: ${error.message}`);
          failed++;
        }
      }
      if (failed > 0) process.exitCode = 1;
    });
}
