import { statSync } from 'node:fs';
import { readSafetensorsHeader } from '../data/files.js';
import type { SafetensorsEntry, SafetensorsHeader } from '../data/safetensors.js';
import { FileBytes } from '../data/stored-bytes.js';
import { FormatError } from '../errors.js';
import { featureFormat, parseFeatureMetadata } from './feature-file.js';
import { Features } from './features.js';
import { type ForeignOptions, openForeignFeatures } from './foreign-features.js';
import { type Rows, storedRows } from './rows.js';

/**
 * Opens features: a file of `glimpse features`, or what other programs stored, see
 * `openForeignFeatures`. The vectors are read now, grids when they are asked for.
 *
 * @param path one file, or several whose rows follow one another.
 * @throws FileError; FormatError naming what the file lacks or contradicts; otherwise as
 *   `openForeignFeatures`.
 */
export async function openFeatures(
  path: string | readonly string[],
  options: ForeignOptions = {},
): Promise<Features> {
  const [first = '', ...others] = typeof path === 'string' ? [path] : path;
  const isForeign = /\.(npy|npz|h5|hdf5)$|#/i.test(first) || isDirectory(first);
  if (others.length === 0 && !isForeign) {
    const header = await readSafetensorsHeader(first);
    const { format } = header.metadata;
    if (format === featureFormat.format) return ofGlimpse(first, header);
    if (format?.startsWith('glimpse')) {
      throw new FormatError(first, `is no feature file, but one of ${format}`);
    }
  }
  return openForeignFeatures([first, ...others], options);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function ofGlimpse(path: string, { entries, metadata }: SafetensorsHeader): Features {
  const description = parseFeatureMetadata(metadata, path);
  const N = description.ids.length;
  const vectors = rows(entries, 'pooled', 2, N, path);
  if (!vectors) throw new FormatError(path, 'the tensor "pooled" is missing');
  const grids = rows(entries, 'grid', 4, N, path);
  const [C = 0, H = 0, W = 0] = grids?.shape ?? [];
  return new Features({
    path,
    ...description,
    vectors,
    grids: grids && { rows: grids, shape: [C, H, W], channelsLast: false },
  });
}

/** A tensor of N rows; undefined when there is none. @throws FormatError */
function rows(
  entries: ReadonlyMap<string, SafetensorsEntry>,
  name: string,
  axes: number,
  N: number,
  path: string,
): Rows | undefined {
  const entry = entries.get(name);
  if (!entry) return undefined;
  const { dtype, shape, begin, end } = entry;
  if (dtype === 'F32' && shape.length === axes && shape[0] === N) {
    return storedRows(new FileBytes(path, begin, end - begin), 0, dtype, shape);
  }
  throw new FormatError(
    path,
    `the tensor "${name}" is ${dtype} (${shape.join(', ')}), not F32 with ${axes} axes, the first being the ${N} photos of "ids"`,
  );
}
