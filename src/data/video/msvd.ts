/** Reads captions of clips as MSVD has them, in Microsoft's table, in texts of clip and sentence, or in JSON. */
import { dirname, extname, join } from 'node:path';
import { z } from 'zod';
import { FileError, FormatError } from '../../errors.js';
import { faultOfPart, type Part, partOf } from '../captions/caption-rows.js';
import { readJson, readText } from '../formats/files.js';
import { isFolder, nameOfSet, namesIn } from '../formats/folders.js';
import { faultOfText, LeftOut } from '../formats/notes.js';
import { listed, quote } from '../formats/strict-json.js';
import { readTable } from '../formats/tables.js';
import { type SplitName, splitNamed } from '../splits.js';
import type { ClipCaptionDataset } from './captioned-clips.js';
import { CLIPS } from './clip-files.js';
import { type NamedClip, type NamedClipOptions, namedClipSet } from './named-clips.js';

/** How MSVD is opened. */
export interface MsvdOptions extends NamedClipOptions {
  /** Of Microsoft's table the sentences in this language (default English). */
  readonly language?: string | undefined;
}

/** Names of files in which its captions are distributed. */
const FILE =
  /^(AllVideoDescriptions\.txt|(MSR.Video.Description.Corpus|video_corpus)\.csv|(dataset_)?(msvd|youtube2text).*\.json)$/i;
/** `vid7` by `-4wsuPCjDBc_5_15`, in the order by which the set is divided. */
const MAPPING = 'youtube_mapping.txt';
/** Ids, a line each. */
const LISTS: readonly (readonly [name: string, split: SplitName])[] = [
  ['train_list.txt', 'train'],
  ['val_list.txt', 'dev'],
  ['test_list.txt', 'test'],
];
/** The usual division: vid1 to vid1200 are trained on, up to vid1300 tuned on, the rest judged on. */
const [LAST_OF_TRAIN, LAST_OF_DEV] = [1200, 1300];

/**
 * MSVD (Chen and Dolan, "Collecting Highly Parallel Data for Paraphrase Evaluation", 2011): Microsoft's table with
 * `VideoID, Start, End, Language, Description`; a text with a clip and a sentence a line
 * (`-4wsuPCjDBc_5_15 a squirrel eats`); or a JSON list `images` or `videos` with `video_id` (or `filename`), `split`
 * and `sentences`. Clips are called `<VideoID>_<Start>_<End>.avi` or `vid7.avi` and lie anywhere below, or
 * below `videos`. The splits are those of `train_list.txt`, `val_list.txt` and `test_list.txt` beside, of
 * `youtube_mapping.txt` (1200 clips, 100, and the rest), of the JSON; otherwise clips are divided at random.
 *
 * @throws FileError; FormatError naming the line or the entry, or clips without a file.
 */
export async function openMsvd(
  path: string,
  { language = 'English', ...options }: MsvdOptions = {},
): Promise<ClipCaptionDataset> {
  const file = (await isFolder(path)) ? await fileIn(path) : path;
  const folder = dirname(file);
  const leftOut = new LeftOut(file);
  const read = await readCaptions(file, language, leftOut);
  const kept = [...read.values()].reduce((sum, { captions }) => sum + captions.length, 0);
  const notes = leftOut.notes(kept);
  const { aliases, splitOf } = await divisionIn(folder);
  const clips = [...read].map(([id, { captions, part, video, split }]): NamedClip => {
    const alias = aliases.get(id);
    const names = [id, ...(alias === undefined ? [] : [alias])];
    return {
      id,
      names: video === undefined ? names : [...names, video],
      captions,
      split: splitOf(id) ?? (alias === undefined ? undefined : splitOf(alias)) ?? split,
      ...(video === undefined ? {} : { part }),
    };
  });
  const set = { name: nameOfSet(path), format: 'msvd', source: file, root: folder, clips, notes };
  return namedClipSet(set, options);
}

/** Whether a folder holds such a file. */
export async function holdsMsvd(folder: string): Promise<boolean> {
  return [...(await namesIn(folder))].some((name) => FILE.test(name));
}

async function fileIn(folder: string): Promise<string> {
  const [file, ...others] = [...(await namesIn(folder))].filter((name) => FILE.test(name)).sort();
  if (file !== undefined && others.length === 0) return join(folder, file);
  throw new FileError(
    folder,
    file === undefined
      ? 'has no AllVideoDescriptions.txt, no table of Microsoft’s and no msvd.json: name the file'
      : `has ${[file, ...others].join(' and ')}: name the file`,
  );
}

/** What is said of a clip. */
interface Described {
  readonly captions: string[];
  readonly split: SplitName | undefined;
  /** The whole video, and which part of it the clip is. */
  readonly video: string | undefined;
  readonly part: Part;
}

type Captions = Map<string, Described>;

function addTo(captions: Captions, id: string, caption: string, facts: Partial<Described> = {}) {
  const known = captions.get(id) ?? {
    captions: [],
    split: facts.split,
    video: facts.video,
    part: facts.part ?? {},
  };
  known.captions.push(caption);
  captions.set(id, known);
}

async function readCaptions(file: string, language: string, leftOut: LeftOut): Promise<Captions> {
  switch (extname(file).toLowerCase()) {
    case '.json':
      return ofJson(file, leftOut);
    case '.txt':
      return ofText(file, leftOut);
    default:
      return ofTable(file, language, leftOut);
  }
}

const COLUMNS = ['videoid', 'start', 'end', 'language', 'description'];

/** Whether a table looks like Microsoft's. */
export async function isMsvdTable(path: string): Promise<boolean> {
  const { columns } = await readTable(path, new LeftOut(path));
  return COLUMNS.every((name) => columns.includes(name));
}

async function ofTable(file: string, language: string, leftOut: LeftOut): Promise<Captions> {
  const { columns, rows } = await readTable(file, leftOut);
  const lacking = COLUMNS.find((name) => !columns.includes(name));
  if (lacking !== undefined) {
    throw new FormatError(file, `has no column ${lacking}, only ${listed(columns)}`);
  }
  const captions: Captions = new Map();
  const languages = new Set<string>();
  for (const { place, values } of rows) {
    const [video, from, to, spoken, text] = COLUMNS.map((name) => values.get(name));
    languages.add(spoken ?? '');
    if (spoken?.toLowerCase() !== language.toLowerCase()) continue;
    const fault =
      faultOfText(video, 'VideoID') ?? faultOfText(text, 'Description') ?? faultOfPart(from, to);
    if (fault !== undefined || video === undefined || text === undefined) {
      leftOut.add(place, fault ?? '');
      continue;
    }
    const id = `${video}_${from ?? 0}_${to ?? 0}`;
    addTo(captions, id, text, { video, part: partOf(from, to) });
  }
  if (captions.size === 0 && languages.size > 0) {
    throw new FormatError(
      file,
      `has no sentences in ${language} (language=), only ${listed([...languages])}`,
    );
  }
  return captions;
}

async function ofText(file: string, leftOut: LeftOut): Promise<Captions> {
  const captions: Captions = new Map();
  for (const [index, line] of (await readText(file)).split(/\r\n|\r|\n/).entries()) {
    if (line.trim() === '' || /^#/.test(line)) continue;
    const [, id, text] = /^\s*(\S+)\s+(\S.*?)\s*$/.exec(line) ?? [];
    if (id === undefined || text === undefined) {
      leftOut.add(`line ${index + 1}`, `${quote(line)} is no clip and a sentence`);
    } else addTo(captions, CLIPS.withoutEnding(id), text);
  }
  return captions;
}

const name = z.union([z.string().min(1), z.int()]).transform(String);
const entries = z.array(
  z.object({
    video_id: name.optional(),
    filename: name.optional(),
    split: z.string().optional(),
    sentences: z.array(
      z.union([
        z.string(),
        z.object({ raw: z.unknown().optional(), caption: z.unknown().optional() }),
      ]),
    ),
  }),
);
const jsonSchema = z.object({ images: entries.optional(), videos: entries.optional() });

async function ofJson(file: string, leftOut: LeftOut): Promise<Captions> {
  const { images, videos } = await readJson(file, jsonSchema);
  const list = videos ?? images;
  if (!list) throw new FormatError(file, 'has neither videos nor images');
  const captions: Captions = new Map();
  for (const [index, { video_id, filename, split: word, sentences }] of list.entries()) {
    const place = `entry ${index}`;
    const id = CLIPS.withoutEnding(video_id ?? filename ?? '');
    if (id === '') throw new FormatError(file, `${place}: has neither video_id nor filename`);
    if (captions.has(id)) throw new FormatError(file, `${place}: ${id} is listed twice`);
    const split = word === undefined ? undefined : splitNamed(word);
    if (word !== undefined && split === undefined) {
      throw new FormatError(file, `${place}: unknown split ${quote(word)}`);
    }
    captions.set(id, { captions: [], split, video: undefined, part: {} });
    for (const [number, sentence] of sentences.entries()) {
      const text = typeof sentence === 'string' ? sentence : (sentence.raw ?? sentence.caption);
      const fault = faultOfText(text, 'sentence');
      if (fault !== undefined) leftOut.add(`${place}.sentences.${number}`, fault);
      else if (typeof text === 'string') addTo(captions, id, text.trim());
    }
  }
  return captions;
}

/** The other name of each clip, and which split an id is in, as far as files beside say so. */
async function divisionIn(folder: string) {
  const names = await namesIn(folder);
  const aliases = new Map<string, string>();
  if (names.has(MAPPING)) {
    for (const [youtube = '', vid = ''] of await wordsOf(join(folder, MAPPING))) {
      aliases.set(youtube, vid);
      aliases.set(vid, youtube);
    }
  }
  const splits = new Map<string, SplitName>();
  for (const [name, split] of LISTS) {
    if (!names.has(name)) continue;
    for (const [id = ''] of await wordsOf(join(folder, name)))
      splits.set(CLIPS.withoutEnding(id), split);
  }
  const splitOf = (id: string): SplitName | undefined => {
    if (splits.size > 0) return splits.get(id);
    const number = aliases.has(id) ? /^vid(\d+)$/.exec(id)?.[1] : undefined;
    if (number === undefined) return undefined;
    if (Number(number) <= LAST_OF_TRAIN) return 'train';
    return Number(number) <= LAST_OF_DEV ? 'dev' : 'test';
  };
  return { aliases, splitOf };
}

async function wordsOf(path: string): Promise<string[][]> {
  const lines = (await readText(path)).split(/\r\n|\r|\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '').map((line) => line.split(/\s+/));
}
