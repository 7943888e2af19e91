/** Extracts features: photos through an encoder, once, into a file. */
import { createHash } from 'node:crypto';
import type { CaptionedImage } from '../data/captions/captioned-images.js';
import { firstNotFinite, isFaultOfFile, notFinite } from '../data/formats/notes.js';
import { checkWritable, refuseInputs } from '../data/formats/write-files.js';
import { loadPixels } from '../data/pictures/photos.js';
import { type Preprocessing, preprocess } from '../data/pictures/preprocessing.js';
import { UsageError, ValueError } from '../errors.js';
import type { Encoder } from '../models/encoders/encoder.js';
import { describeEncoder, type SkippedPhoto } from './feature-file.js';
import { PartialFeatures } from './partial-features.js';

/** The part of a captioned image that features need. */
export type Photo = Pick<CaptionedImage, 'id' | 'image'>;

/** How features are extracted. */
export interface ExtractionOptions {
  /** The feature file to make; unfinished work lies in the folder `<out>.partial` beside it. */
  readonly out: string;
  /** Also keep the grids (default: only the vectors). */
  readonly grid?: boolean;
  /** Photos encoded together and recorded together (default 16). */
  readonly batchSize?: number;
  /** Stop at a photo that cannot be read (default), or leave it out and record why. */
  readonly onBadPhoto?: 'stop' | 'skip';
  /** Discard unfinished work instead of going on with it. */
  readonly restart?: boolean;
  /** Called after every batch, or clip, and once at the start when earlier work goes on. */
  readonly onProgress?: (progress: ExtractionProgress) => void;
}

/** Where an extraction stands. */
export interface ExtractionProgress {
  /** Photos that are done, the skipped ones included. */
  readonly done: number;
  readonly total: number;
  readonly skipped: number;
}

/** What an extraction did. */
export interface ExtractionResult {
  /** Photos in the file. */
  readonly photos: number;
  /** Photos that earlier work had done already. */
  readonly resumed: number;
  readonly skipped: readonly SkippedPhoto[];
}

/**
 * Encodes photos and writes their features to one file, which appears when it is complete. While
 * one batch is encoded the next is decoded. An interrupted run is continued by the same call and
 * makes the same file, byte for byte.
 *
 * @throws FormatError, FileError for a photo that cannot be read (unless `skip`) or a file that
 *   cannot be written; ValueError for an empty or ambiguous list of photos, or unfinished work of
 *   another kind; UsageError for a grid that the encoder does not have or a bad batch size.
 */
export async function extractFeatures(
  photos: readonly Photo[],
  encoder: Encoder,
  options: ExtractionOptions,
): Promise<ExtractionResult> {
  const { out, grid = false, batchSize = 16, onBadPhoto = 'stop', onProgress } = options;
  checkExtraction(encoder, { grid, batchSize });
  checkIds(photos, 'photo');
  const files = photos.map(({ image }) => ('path' in image ? image.path : undefined));
  await refuseInputs(out, [encoder.path, ...files]);
  await checkWritable(out);
  const folder = `${out}.partial`;
  const description = await describeEncoder(encoder);
  const job = {
    encoder: description.sha256,
    photos: digest(photos),
    batchSize,
    rows: rowsOf(encoder, grid),
  };
  const partial = await PartialFeatures.open(folder, job, { restart: options.restart ?? false });
  try {
    const total = photos.length;
    const report = (done: number) => onProgress?.({ done, total, skipped: partial.skipped.length });
    const load = (batch: number) => {
      const loading = loadBatch(
        photos.slice(batch * batchSize, (batch + 1) * batchSize),
        encoder.preprocessing,
        onBadPhoto,
      );
      // It is awaited one batch later: until then its failure must not count as unhandled.
      loading.catch(() => {});
      return loading;
    };
    const resumed = Math.min(partial.batches * batchSize, total);
    if (resumed > 0) report(resumed);
    const batches = Math.ceil(total / batchSize);
    let next = load(partial.batches);
    for (let batch = partial.batches; batch < batches; batch++) {
      const { values, loaded, skipped } = await next;
      next = load(batch + 1);
      const encoded = await encoder.encode(values, loaded.length, { grid });
      const good = onlyFinite({ ...encoded }, loaded, encoder, onBadPhoto);
      await partial.append(good.features, good.rows, [...skipped, ...good.skipped]);
      report(Math.min((batch + 1) * batchSize, total));
    }
    const left = new Set(partial.skipped.map(({ id }) => id));
    const ids = photos.map(({ id }) => id).filter((id) => !left.has(id));
    if (ids.length === 0) {
      throw new ValueError(
        `none of the ${total} photos could be read: ${partial.skipped[0]?.reason}`,
      );
    }
    await partial.finish(out, description, ids);
    return { photos: ids.length, resumed, skipped: partial.skipped };
  } finally {
    await partial.close();
  }
}

/** @throws UsageError for a grid that the encoder does not have, or a bad batch size */
export function checkExtraction(
  encoder: Encoder,
  { grid, batchSize }: { readonly grid: boolean; readonly batchSize: number },
): void {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new UsageError(`the batch size must be an integer from 1 on, not ${batchSize}`);
  }
  if (grid && !encoder.outputs.grid) {
    throw new UsageError(`${encoder.name} has no grid to extract, only vectors`);
  }
}

/** @param what one of them is. @throws ValueError unless there are some, each with an id of its own */
export function checkIds(items: readonly { readonly id: string }[], what: string): void {
  if (items.length === 0) throw new ValueError(`there are no ${what}s to extract features of`);
  const ids = new Set<string>();
  for (const { id } of items) {
    if (ids.has(id)) {
      throw new ValueError(`two ${what}s have the id ${id}: features are found by it`);
    }
    ids.add(id);
  }
}

/** Shapes of what an encoder makes of one photo, or frame. */
export function rowsOf({ outputs: { pooled, grid } }: Encoder, withGrid: boolean) {
  return { pooled: [pooled], ...(withGrid && grid && { grid: [...grid] }) };
}

/** Photos are known by id and file; pixels that are given directly count themselves. */
function digest(photos: readonly Photo[]): string {
  const hash = createHash('sha256');
  for (const { id, image } of photos) {
    hash.update(JSON.stringify(['path' in image ? image.path : [image.width, image.height], id]));
    if (!('path' in image)) hash.update(image.data);
  }
  return hash.digest('hex');
}

async function loadBatch(
  photos: readonly Photo[],
  preprocessing: Preprocessing,
  onBadPhoto: 'stop' | 'skip',
) {
  const size = 3 * preprocessing.width * preprocessing.height;
  const values = new Float32Array(photos.length * size);
  const skipped: SkippedPhoto[] = [];
  const loaded: string[] = [];
  const loading = photos.map(({ image }) => loadPixels(image, preprocessing));
  for (const [index, outcome] of (await Promise.allSettled(loading)).entries()) {
    if (outcome.status === 'fulfilled') {
      preprocess(outcome.value, preprocessing, values, loaded.length * size);
      loaded.push(photos[index]?.id ?? '');
      continue;
    }
    const { reason } = outcome;
    if (onBadPhoto === 'stop' || !isFaultOfFile(reason)) throw reason;
    skipped.push({ id: photos[index]?.id ?? '', reason: reason.message });
  }
  return { values: values.subarray(0, loaded.length * size), loaded, skipped };
}

/**
 * Rows without those of photos of which an encoder makes no numbers.
 * @throws ValueError naming the first such photo, unless they are to be skipped.
 */
function onlyFinite(
  features: Readonly<Record<string, Float32Array>>,
  ids: readonly string[],
  { name }: Encoder,
  onBadPhoto: 'stop' | 'skip',
) {
  const bad = new Map<number, string>();
  for (const values of Object.values(features)) {
    const size = values.length / Math.max(1, ids.length);
    for (let row = 0; row < ids.length; row++) {
      const found = firstNotFinite(values.subarray(row * size, (row + 1) * size), size);
      if (found) bad.set(row, `the features that ${name} makes of it ${notFinite(found)}`);
    }
  }
  for (const [row, reason] of bad) {
    if (onBadPhoto === 'stop')
      throw new ValueError(`${ids[row]}: ${reason}: is the encoder damaged?`);
  }
  const skipped = [...bad].map(([row, reason]) => ({ id: ids[row] ?? '', reason }));
  const kept = ids.flatMap((_, row) => (bad.has(row) ? [] : [row]));
  const entries = Object.entries(features).map(([output, values]) => {
    const size = values.length / Math.max(1, ids.length);
    const out = new Float32Array(kept.length * size);
    for (const [index, row] of kept.entries()) {
      out.set(values.subarray(row * size, (row + 1) * size), index * size);
    }
    return [output, out] as const;
  });
  return {
    features: bad.size === 0 ? features : Object.fromEntries(entries),
    rows: kept.length,
    skipped,
  };
}
