/** Feature extraction that is not finished: a folder of rows, so that an interrupted run goes on. */
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, open, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { asFileError, readText } from '../data/formats/files.js';
import { parseSafetensorsHeader } from '../data/formats/safetensors.js';
import { isOfLock, lockFolder, type WorkLock } from '../data/formats/work-lock.js';
import { writeFileAtomically } from '../data/formats/write-files.js';
import { FormatError, ValueError } from '../errors.js';
import {
  encodeFeatureMetadata,
  type FeatureEncoder,
  type SkippedPhoto,
  skippedSchema,
} from './feature-file.js';

const jobSchema = z.object({
  /** The encoder's fingerprint. */
  encoder: z.string(),
  /** A digest of the photos' ids and files, in order. */
  photos: z.string(),
  batchSize: z.number(),
  /** Shape of a row of each tensor. */
  rows: z.record(z.string(), z.array(z.number())),
});

/** What the work is. Work goes on only where a folder describes the same. */
export type Job = z.infer<typeof jobSchema>;

const stateSchema = z.object({
  job: jobSchema,
  /** Batches that are done, and the photos of them that became rows. */
  batches: z.int().min(0),
  rows: z.int().min(0),
  skipped: skippedSchema,
});

/**
 * Work in progress, in a folder beside the file that is being made: a file of raw float32 rows
 * for each tensor, and `state.json`. After every batch the rows are synced and then the state is
 * replaced; rows beyond what the state counts are cut off when work goes on.
 */
export class PartialFeatures {
  readonly folder: string;
  #state: z.infer<typeof stateSchema>;
  readonly #files: ReadonlyMap<string, FileHandle>;
  readonly #lock: WorkLock;

  private constructor(
    folder: string,
    state: z.infer<typeof stateSchema>,
    files: ReadonlyMap<string, FileHandle>,
    lock: WorkLock,
  ) {
    this.#lock = lock;
    this.folder = folder;
    this.#state = state;
    this.#files = files;
  }

  /**
   * Goes on where the work in `folder` stopped, or begins it.
   * @param options.restart begins anew, whatever is there; not while another run is at it.
   * @throws ValueError when the folder holds other work; FileError, also when another run is at it;
   *   FormatError.
   */
  static async open(folder: string, job: Job, { restart = false } = {}): Promise<PartialFeatures> {
    const files = new Map<string, FileHandle>();
    const lock = await lockFolder(folder);
    try {
      if (restart) await discard(folder);
      const state = (await readState(folder)) ?? { job, batches: 0, rows: 0, skipped: [] };
      checkSame(state.job, job, folder);
      for (const [name, shape] of Object.entries(job.rows)) {
        const path = join(folder, name);
        const file = await open(path, 'a+');
        files.set(name, file);
        const bytes = state.rows * rowBytes(shape);
        if ((await file.stat()).size < bytes) {
          throw new FormatError(
            path,
            `is shorter than its ${state.rows} finished rows: delete ${folder}`,
          );
        }
        await file.truncate(bytes);
      }
      return new PartialFeatures(folder, state, files, lock);
    } catch (error) {
      for (const file of files.values()) await file.close();
      await lock.release();
      throw asFileError(folder, 'written', error);
    }
  }

  /** Batches that are done. */
  get batches(): number {
    return this.#state.batches;
  }

  /** Photos that have been left out. */
  get skipped(): readonly SkippedPhoto[] {
    return this.#state.skipped;
  }

  /** Adds the rows of one more batch. @throws FileError */
  async append(
    features: Readonly<Record<string, Float32Array>>,
    rows: number,
    skipped: readonly SkippedPhoto[],
  ): Promise<void> {
    await this.#lock.check();
    try {
      for (const [name, file] of this.#files) {
        const values = features[name] ?? new Float32Array(0);
        await file.appendFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
        await file.datasync();
      }
    } catch (error) {
      throw asFileError(this.folder, 'written', error);
    }
    const state = {
      ...this.#state,
      batches: this.#state.batches + 1,
      rows: this.#state.rows + rows,
      skipped: [...this.#state.skipped, ...skipped],
    };
    await writeFileAtomically(statePath(this.folder), JSON.stringify(state));
    this.#state = state;
  }

  /** Makes the feature file of what is there, and removes the folder. @throws FileError */
  async finish(out: string, encoder: FeatureEncoder, ids: readonly string[]): Promise<void> {
    const { skipped, rows, job } = this.#state;
    const metadata = encodeFeatureMetadata({ encoder, ids, skipped });
    const header = headerOf(job.rows, rows, metadata, out);
    const paths = names(job.rows).map((name) => join(this.folder, name));
    await this.#lock.check();
    await writeFileAtomically(out, concatenated(header, paths));
    await discard(this.folder);
    await this.close();
    // Not where another run has already begun to write there.
    await rmdir(this.folder).catch(() => {});
  }

  /** Closes the files; the unfinished work stays on the disk. */
  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close().catch(() => {});
    await this.#lock.release();
  }
}

/** All of the work but the lock; the state first, without which the rest counts for nothing. */
async function discard(folder: string): Promise<void> {
  await rm(statePath(folder), { force: true });
  for (const name of await readdir(folder)) {
    if (!isOfLock(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function* concatenated(header: Uint8Array, paths: readonly string[]) {
  yield header;
  for (const path of paths) yield* createReadStream(path, { highWaterMark: 2 ** 20 });
}

/** A safetensors header for tensors that are too large to be in memory: (rows, ...shape) each. */
function headerOf(
  shapes: Job['rows'],
  rows: number,
  metadata: Record<string, string>,
  out: string,
): Uint8Array {
  const json: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const name of names(shapes)) {
    const shape = shapes[name] ?? [];
    const end = offset + rows * rowBytes(shape);
    json[name] = { dtype: 'F32', shape: [rows, ...shape], data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(json));
  const header = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(text, 8);
  parseSafetensorsHeader(header, header.length + offset, out);
  return header;
}

/** In the order of the official safetensors writer. */
function names(shapes: Job['rows']): string[] {
  return Object.keys(shapes).sort();
}

function rowBytes(shape: readonly number[]): number {
  return 4 * shape.reduce((size, extent) => size * extent, 1);
}

function statePath(folder: string): string {
  return join(folder, 'state.json');
}

async function readState(folder: string) {
  const path = statePath(folder);
  if (!existsSync(path)) return undefined;
  const text = await readText(path);
  let state: z.infer<typeof stateSchema>;
  try {
    state = stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FormatError(path, `is no state of an extraction: delete ${folder}`, { cause });
  }
  const { batches, rows, skipped, job } = state;
  const photos = rows + skipped.length;
  // All batches are full but the last one.
  if (photos <= batches * job.batchSize && photos > (batches - 1) * job.batchSize) return state;
  throw new FormatError(
    path,
    `${rows} rows and ${skipped.length} photos left out are not ${batches} batches of ${job.batchSize}: delete ${folder}`,
  );
}

const meanings: Readonly<Record<keyof Job, string>> = {
  encoder: 'another encoder (or other settings of it)',
  photos: 'other photos',
  batchSize: 'another batch size',
  rows: 'other outputs',
};

function checkSame(found: Job, wanted: Job, folder: string): void {
  for (const key of ['encoder', 'photos', 'batchSize', 'rows'] as const) {
    const [there, here] = [JSON.stringify(found[key]), JSON.stringify(wanted[key])];
    if (there === here) continue;
    throw new ValueError(
      `${folder} is unfinished work with ${meanings[key]}: ${key} ${there} there, ${here} now. ` +
        'Finish that, delete the folder, or ask to restart.',
    );
  }
}
