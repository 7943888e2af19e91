/** Captions of the stretches of clips, as subtitles, lines of text or JSON: `glimpse caption --every`. */
import { extname } from 'node:path';
import { writeFileAtomically } from '../data/formats/write-files.js';
import { jsonText } from '../data/text/printable.js';
import { UsageError } from '../errors.js';
import { type CaptionOptions, type CaptionRequest, checkedOutput } from './caption-files.js';
import { captionValue } from './caption-formats.js';
import { writeAndSay } from './outputs.js';
import {
  type Follow,
  type RunningFormat,
  runningFormats,
  runningValues,
  subtitlePlaces,
  writeSubtitles,
} from './running.js';
import { say } from './terminal.js';

/** Captions each stretch of so many seconds. @throws UsageError for flags that do not go together */
export async function captionStretches(request: CaptionRequest, every: number): Promise<void> {
  const { options, decoding, spell } = request;
  const format = formatOf(options);
  const paths = await request.named();
  const said: string[] = [];
  const failures = request.failures(paths.length);
  const opened = async (models: readonly string[]): Promise<Follow> => {
    const captioner = await request.open(models);
    const attention = options.attention ? captioner.attentionForm : undefined;
    return async function* (path) {
      const stretches = captioner.follow?.({ path }, every, decoding) ?? [];
      for await (const { from, to, ...result } of stretches) {
        said.push(result.caption);
        const text = result.alternatives.map(({ caption }) => spell(caption)).join('\n');
        yield { from, to, text, value: captionValue(result, { spell, attention }) };
      }
    };
  };
  if (format === 'json') {
    const { out } = options;
    const follow = await opened(await checkedOutput(request, paths));
    const text = `${jsonText(await runningValues(paths, follow, failures))}\n`;
    if (out === undefined) say(text);
    else {
      await writeAndSay(
        () => writeFileAtomically(out, text),
        (written) => {
          if (!written) say(text);
        },
      );
    }
  } else {
    const { out, overwrite } = options;
    const models = await request.models();
    const places = await subtitlePlaces(paths, { format, out, overwrite }, models);
    await writeSubtitles(paths, await opened(models), places, failures);
  }
  request.done(said, failures);
}

/** The format that flags ask for; undefined: as `subtitlePlaces` finds it. @throws UsageError for others */
function formatOf({
  format,
  json,
  out,
  overwrite,
  attention,
}: CaptionOptions): RunningFormat | 'json' | undefined {
  const ending = extname(out ?? '').toLowerCase();
  const told = json || (!format && ending === '.json') ? 'json' : format;
  const known = [...runningFormats, 'json' as const].find((one) => one === told);
  const wrong = ['.csv', '.jsonl', '.ndjson'].includes(ending) && !told;
  if (wrong || (told !== undefined && known === undefined)) {
    throw new UsageError(
      `${wrong ? `--out ${out}` : `--format ${told}`} has no place for the stretches of --every: take ${runningFormats.join(', ')} or json`,
    );
  }
  if (overwrite && !out) {
    throw new UsageError('--overwrite needs --out: add it, or leave --overwrite out');
  }
  if (attention && known !== 'json') {
    throw new UsageError(`--attention needs --format json, not ${known ?? 'subtitles'}`);
  }
  return known;
}
