/** `glimpse caption`: says what photos show or what happens in clips, each as soon as it is known. */
import { Command, Option } from 'commander';
import { z } from 'zod';
import { subtitleFormats } from '../data/formats/subtitles.js';
import { decodingFields, parseDecoding } from '../decoding/options.js';
import { UsageError } from '../errors.js';
import { altText, nothingSaid } from '../tasks/captions/caption-text.js';
import type { TaskEntry } from '../tasks/kind.js';
import { type CaptionOptions, type CaptionRequest, captionFiles } from './caption-files.js';
import { captionFormats } from './caption-formats.js';
import { captionStretches } from './caption-stretches.js';
import { Failures } from './failure.js';
import { addFlags, givenValues, parseFlags, positiveInteger, repeated } from './flags.js';
import { CLIPS, modelFiles, PHOTOS, pathsNamed, requireKind } from './inputs.js';
import { commandFor, kindInArguments, otherKindHint, withFlagsOf } from './model-kind.js';
import { everyField } from './running.js';
import { note } from './terminal.js';

/** Flags for clips. */
const following = z.object({ every: everyField });

/** The flags of a kind that says sentences, besides those of all; undefined where it has none. */
export function captionFlags({ captioning }: TaskEntry): z.ZodObject | undefined {
  return captioning?.of === 'clip' ? following : undefined;
}

/**
 * The command for the model that the arguments name: clips can be followed, photos cannot.
 * @throws FileError, FormatError when there is no such model; UsageError when it says no sentences
 */
export async function captionCommand(
  argv: readonly string[],
  kinds: readonly TaskEntry[],
): Promise<Command> {
  const entry = await kindInArguments(argv, 'caption', kinds);
  const saying = kinds.filter(({ captioning }) => captioning);
  const ofPhotos = entry?.captioning?.of === 'photo';
  const command = new Command('caption')
    .description('say what photos show, or what happens in clips')
    .argument('<file...>', 'photos or clips: files, folders, and patterns like "photos/*.jpg"')
    .requiredOption(
      '--model <file>',
      "a model that glimpse train wrote, or a run's folder; several are an ensemble",
      repeated,
    )
    .option('--recursive', 'look into the folders inside a folder, too')
    .option('--alt-text', 'write captions as sentences: "A dog runs."');
  addFlags(command, decodingFields)
    .addOption(
      new Option('--format <kind>', 'how captions are written (default: as --out ends, or text)')
        .choices(ofPhotos ? captionFormats : [...captionFormats, ...subtitleFormats])
        .conflicts('json'),
    )
    .option('--json', 'print one JSON document: the same as --format json')
    .option('--attention', 'json, jsonl: also what the model looked at for each word')
    .option('--out <file>', 'write to a file that is there when all is done')
    .option('--overwrite', 'replace files that are there already')
    .option('--batch-size <count>', 'photos or clips captioned together', positiveInteger, 16)
    .addHelpText(
      'after',
      '\nFormats: text, a line a caption; json, a list; jsonl, an object a line; csv; sidecar, photo.txt\nbeside photo.jpg. Of clips with --every: vtt (the default), srt, text, json; --out may be a folder. Files\nthat cannot be read are told at the end; the others are captioned.',
    );
  withFlagsOf(command, argv, entry, { takes: saying, kinds, schemaOf: captionFlags });
  if (!entry) return command;
  return command.action((args: readonly string[], options: CaptionOptions, called: Command) =>
    caption(entry, kinds, args, options, called),
  );
}

async function caption(
  entry: TaskEntry,
  kinds: readonly TaskEntry[],
  args: readonly string[],
  options: CaptionOptions,
  command: Command,
): Promise<void> {
  const { captioning } = entry;
  if (!captioning) return;
  const decoding = givenValues(command, decodingFields);
  parseDecoding(decoding);
  const files = captioning.of === 'clip' ? CLIPS : PHOTOS;
  const every = files === CLIPS ? parseFlags(command, following).every : undefined;
  if (every !== undefined && command.getOptionValueSource('batchSize') === 'cli') {
    throw new UsageError(
      '--batch-size is about whole clips, but --every captions one stretch after the other: leave one out',
    );
  }
  const advice = (path: string) => otherKindHint(path, entry, kinds, (one) => one.captioning?.of);
  const takenBy = (found: string) =>
    `${commandFor(kinds.find(({ kind }) => kind === found) ?? {})}, without models of another kind,`;
  const request: CaptionRequest = {
    options,
    decoding,
    files,
    spell: options.altText ? altText : (caption) => caption,
    first: args[0],
    named: () => pathsNamed(args, files, options),
    models: () => modelFiles(options.model),
    async open(models) {
      for (const model of models) {
        await requireKind(model, entry.kind, takenBy, kinds);
      }
      const captioner = await captioning.open(models, note);
      if (options.attention && !captioner.attentionForm) {
        const reason =
          models.length > 1
            ? 'the models do not all look at the same places for each word'
            : captioning.withoutAttention;
        throw new UsageError(`--attention: ${options.model.join(', ')}: ${reason}`);
      }
      return captioner;
    },
    failures: (count) => new Failures(count, 'captioned', files, advice),
    done: (said, failures) =>
      tell(said, every === undefined ? `${files.what}s` : undefined, failures),
  };
  if (every === undefined) await captionFiles(request);
  else await captionStretches(request, every);
}

/** Tells of captions that say nothing, which is a sign of a poor model, and last of what failed. */
function tell(said: readonly string[], things: string | undefined, failures: Failures): void {
  const idle = nothingSaid(said, things);
  if (idle !== undefined) {
    note(
      `warning: ${idle}: the model has learned too little; more captions help, or a model to begin with that was trained on more (glimpse train --from)`,
    );
  }
  failures.report();
}
