/** Folders of frames as clips: img_00001.jpg, img_00002.jpg, ... in the order of their numbers. */
import { join } from 'node:path';
import { ClipError } from '../../errors.js';
import { contentOf } from '../formats/folders.js';
import { counted, firstFew, isOrAre } from '../formats/notes.js';
import { isPhotoName } from '../pictures/photo-files.js';
import { loadPixels, photoSize } from '../pictures/photos.js';
import type { Pixels } from '../pictures/pixels.js';
import type { PictureSize } from '../pictures/preprocessing.js';
import type { ClipFile } from './clip.js';
import { type FrameList, inTurns } from './frame-list.js';

/** Frames a second where nothing is said. */
export const USUAL_RATE = 25;

/** A folder of frames. */
export interface FrameFolder extends FrameList {
  /** The files, in order. */
  readonly names: readonly string[];
  readonly rate: number;
}

/**
 * Opens a folder of frames. A frame whose number is missing is left out, and the others keep their times.
 * @param onNote gets a sentence about numbers that are missing.
 * @throws FileError; ClipError when there are no pictures in it, or several series of them.
 */
export async function openFrameFolder(
  { path, frameRate = USUAL_RATE, series }: ClipFile,
  onNote?: (note: string) => void,
): Promise<FrameFolder> {
  const { files } = await contentOf(path);
  const photos = files.filter(isPhotoName);
  const names = photos
    .filter((name) => series === undefined || name.startsWith(series))
    .sort(inNaturalOrder);
  if (names.length === 0) {
    throw new ClipError(
      path,
      photos.length > 0
        ? `has no frames whose names begin with ${series}: it has ${firstFew(photos)}`
        : 'has no pictures in it: frames of a clip are files such as img_00001.jpg',
    );
  }
  const different = [...new Set(names.map(seriesOf))];
  if (different.length > 1) {
    throw new ClipError(
      path,
      `has several series of frames: ${firstFew(different)}; say which is meant by the begin of its names (series), or move the others`,
    );
  }
  const steps = stepsOf(path, names, onNote);
  const times = Float64Array.from(steps, (step) => step / frameRate);
  return {
    names,
    rate: frameRate,
    times,
    end: (times.at(-1) ?? 0) + 1 / frameRate,
    read: (places, size) => readFrames(path, names, places, size),
  };
}

const { compare: inNaturalOrder } = new Intl.Collator('en', { numeric: true });

/** `img_00012.jpg` in its parts: `img_`, `00012`, `.jpg`. */
function partsOf(name: string): { begin: string; digits: string; ending: string } {
  const [, begin = '', digits = '', ending = ''] = /^(.*?)(\d*)(\.[^.]*)$/s.exec(name) ?? [];
  return { begin, digits, ending };
}

/** What the names of a series have in common: `img_*.jpg`, or `*.jpg` of names without numbers. */
function seriesOf(name: string): string {
  const { begin, digits, ending } = partsOf(name);
  return `${digits === '' ? '' : begin}*${ending}`;
}

/** How many frames after the first each one is shown. */
function stepsOf(
  path: string,
  names: readonly string[],
  onNote: ((note: string) => void) | undefined,
): number[] {
  const numbers = names.map((name) => Number(partsOf(name).digits));
  const [first = 0] = numbers;
  const last = numbers.at(-1) ?? 0;
  const span = last - first + 1;
  const inOrder = names.map((_, place) => place);
  if (span === names.length || names.some((name) => partsOf(name).digits === '')) return inOrder;
  // Such as every fifth frame, or numbers that are dates.
  if (span < names.length || span > 2 * names.length) {
    onNote?.(
      `${path}: the numbers of its ${names.length} frames go from ${first} to ${last}; only their order counts`,
    );
    return inOrder;
  }
  const there = new Set(numbers);
  const missing = Array.from({ length: span }, (_, i) => i + first).filter((i) => !there.has(i));
  onNote?.(
    `${path}: ${counted(missing.length, 'frame')} between ${first} and ${last} ${isOrAre(missing.length)} missing: ${firstFew(missing.map(String))}`,
  );
  return numbers.map((number) => number - first);
}

async function* readFrames(
  path: string,
  names: readonly string[],
  places: readonly number[],
  size: PictureSize | undefined,
): AsyncGenerator<Pixels, void> {
  const fileOf = (place: number) => join(path, names[place] ?? '');
  const wanted: PictureSize = size ?? {
    ...(await photoSize(fileOf(places[0] ?? 0))),
    resize: 'squash',
  };
  yield* inTurns(places, async (place) => {
    if (!size) {
      const { width, height } = await photoSize(fileOf(place));
      if (width !== wanted.width || height !== wanted.height) {
        throw new ClipError(
          path,
          `has frames of different sizes: ${names[places[0] ?? 0]} has ${wanted.width} x ${wanted.height} pixels, ${names[place]} ${width} x ${height}; ask for one size`,
        );
      }
    }
    return loadPixels({ path: fileOf(place) }, wanted);
  });
}
