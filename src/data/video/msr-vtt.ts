/** Reads captions of clips as MSR-VTT has them, in JSON. */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { FileError, FormatError } from '../../errors.js';
import { faultOfPart, partOf } from '../captions/caption-rows.js';
import { readJson } from '../formats/files.js';
import { isFolder, nameOfSet, namesIn } from '../formats/folders.js';
import { faultOfText, LeftOut } from '../formats/notes.js';
import { quote } from '../formats/strict-json.js';
import { splitNamed } from '../splits.js';
import type { ClipCaptionDataset } from './captioned-clips.js';
import { type NamedClip, type NamedClipOptions, namedClipSet } from './named-clips.js';

/** How MSR-VTT is opened. */
export interface MsrVttOptions extends NamedClipOptions {
  /** Whether the files are the clips (default), and not the whole videos. */
  readonly cut?: boolean | undefined;
}

const seconds = z.union([z.number(), z.string()]).optional();
const schema = z.object({
  videos: z.array(
    z.object({
      video_id: z.union([z.string().min(1), z.int()]).transform(String),
      split: z.string().optional(),
      'start time': seconds,
      'end time': seconds,
    }),
  ),
  sentences: z.array(
    z.object({
      video_id: z.union([z.string(), z.int()]).transform(String),
      caption: z.unknown().optional(),
    }),
  ),
});

/** `train_val_videodatainfo.json`, `test_videodatainfo_2017.json`, `MSRVTT_data.json`. */
const FILE = /^(.*videodatainfo.*|MSR-?VTT.*data.*)\.json$/i;

/**
 * MSR-VTT (Xu et al., "MSR-VTT: A Large Video Description Dataset for Bridging Video and Language", 2016), and sets
 * in its form: `videos`, each with `video_id`, `split` (train, validate or test) and seconds, and `sentences`, each
 * with `video_id` and `caption`; one file, or a folder with several. The clips, `video7.mp4`, lie anywhere
 * below, or below `videos`. They are cut as they are distributed; `cut` no means whole videos, of which those
 * seconds are meant.
 *
 * @throws FileError; FormatError naming the entry, a sentence of no video, clips without a file.
 */
export async function openMsrVtt(
  path: string,
  { cut = true, ...options }: MsrVttOptions = {},
): Promise<ClipCaptionDataset> {
  const folder = await isFolder(path);
  const files = folder ? await filesIn(path) : [path];
  const clips: NamedClip[] = [];
  const notes: string[] = [];
  for (const file of files) {
    const part = await readFile(file, cut);
    clips.push(...part.clips);
    notes.push(...part.notes);
  }
  const root = folder ? path : dirname(path);
  const set = { name: nameOfSet(path), format: 'msrvtt', source: path, root, clips, notes };
  return namedClipSet(set, options);
}

/** Whether a folder holds such files. */
export async function holdsMsrVtt(folder: string): Promise<boolean> {
  return [...(await namesIn(folder))].some((name) => FILE.test(name));
}

async function filesIn(folder: string): Promise<string[]> {
  const names = [...(await namesIn(folder))].filter((name) => FILE.test(name)).sort();
  if (names.length > 0) return names.map((name) => join(folder, name));
  throw new FileError(folder, 'has no train_val_videodatainfo.json or the like');
}

async function readFile(file: string, cut: boolean) {
  const { videos, sentences } = await readJson(file, schema);
  const captions = new Map(videos.map(({ video_id }) => [video_id, [] as string[]]));
  const leftOut = new LeftOut(file);
  let kept = 0;
  for (const [index, { video_id, caption }] of sentences.entries()) {
    const place = `sentences.${index}`;
    const list = captions.get(video_id);
    if (!list) throw new FormatError(file, `${place}: there is no video ${quote(video_id)}`);
    const fault = faultOfText(caption, 'caption');
    if (fault !== undefined) leftOut.add(place, fault);
    else if (typeof caption === 'string') list.push(caption.trim());
    if (fault === undefined) kept++;
  }
  const notes = leftOut.notes(kept);
  const clips = videos.map((video, index): NamedClip => {
    const { video_id: id, split: word } = video;
    const [from, to] = [video['start time'], video['end time']].map((time) =>
      time === undefined ? undefined : String(time),
    );
    const split = word === undefined ? undefined : splitNamed(word);
    const fault =
      word !== undefined && split === undefined
        ? `unknown split ${quote(word)}`
        : cut
          ? undefined
          : faultOfPart(from, to);
    if (fault !== undefined) throw new FormatError(file, `videos.${index}: ${fault}`);
    return {
      id,
      names: [id],
      captions: captions.get(id) ?? [],
      split,
      ...(cut ? {} : { part: partOf(from, to) }),
    };
  });
  return { clips, notes };
}
