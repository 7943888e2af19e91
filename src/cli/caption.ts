import { Command } from 'commander';
import { PhotoCaptioner } from '../captioning/photo-captioner.js';
import { loadPixels } from '../data/photos.js';
import { GlimpseError } from '../errors.js';
import { readCheckpoint } from '../training/model-file.js';
import { addDecodingFlags, type DecodingFlags, decodingFrom } from './decoding-flags.js';
import { note } from './terminal.js';

interface Options extends DecodingFlags {
  model: string;
  json?: boolean;
}

/** `glimpse caption <photo...> --model <file>`: a line for each photo, as soon as it is known. */
export function captionCommand(): Command {
  const command = new Command('caption')
    .description('say what photos show')
    .argument('<photo...>', 'JPEG, PNG, WebP, GIF, TIFF or AVIF files')
    .requiredOption('--model <file>', 'a model that glimpse train wrote');
  return addDecodingFlags(command)
    .option('--json', 'print one JSON document a photo: {"photo", "caption", ...}')
    .action(async (photos: string[], { model, json, ...flags }: Options) => {
      const decoding = decodingFrom(flags);
      const captioner = await PhotoCaptioner.create(await readCheckpoint(model), loadPixels);
      let failed = 0;
      for (const photo of photos) {
        try {
          const [result] = await captioner.caption([{ path: photo }], decoding);
          const captions = result?.alternatives.map(({ caption }) => caption) ?? [];
          const lines =
            photos.length === 1 ? captions : captions.map((text) => `${photo}: ${text}`);
          const { caption, logProbability } = result ?? {};
          const alternatives = result?.alternatives.map(({ words: _, ...one }) => one);
          process.stdout.write(
            `${json ? JSON.stringify({ photo, caption, logProbability, alternatives }) : lines.join('\n')}\n`,
          );
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
