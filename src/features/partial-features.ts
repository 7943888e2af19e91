/** Feature extraction that is not finished: a folder of rows, so that an interrupted run goes on. */
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, open, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { asFileError, readText } from '../data/formats/files.js';
import { parseSafetensorsHeader } from '../data/formats/safetensors.js';
import { isOfLock, lockFolder, type WorkLock } from '../data/formats/work-lock.js';
import { writeFileAtomically } from '../data/formats/write-files.js';
import { samplingSchema } from '../data/video/sampling.js';
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
  /** Of clips: which of their frames are taken. A batch is then one clip, and a row one frame of it. */
  sampling: samplingSchema.optional(),
});

/** What the work is. Work goes on only where a folder describes the same. */
export type Job = z.infer<typeof jobSchema>;

const stateSchema = z.object({
  job: jobSchema,
  /** Batches that are done, and the photos, or frames, of them that became rows. */
  batches: z.int().min(0),
  rows: z.int().min(0),
  skipped: skippedSchema,
});
type State = z.infer<typeof stateSchema>;

/** A tensor that is being made. */
interface Table {
  readonly name: string;
  readonly dtype: 'F32' | 'I32';
  /** Of a row. */
  readonly shape: readonly number[];
  /** Rows that are done. */
  count(state: State): number;
}

/**
 * Work in progress, in a folder beside the file that is being made: a file of raw rows for each
 * tensor, and `state.json`. After every batch the rows are synced and then the state is
 * replaced; rows beyond what the state counts are cut off when work goes on.
 */
export class PartialFeatures {
  readonly folder: string;
  #state: State;
  readonly #files: ReadonlyMap<Table, FileHandle>;
  readonly #lock: WorkLock;

  private constructor(
    folder: string,
    state: State,
    files: ReadonlyMap<Table, FileHandle>,
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
    const files = new Map<Table, FileHandle>();
    const lock = await lockFolder(folder);
    try {
      if (restart) await discard(folder);
      const state = (await readState(folder)) ?? { job, batches: 0, rows: 0, skipped: [] };
      checkSame(state.job, job, folder);
      for (const table of tablesOf(job)) {
        const path = join(folder, table.name);
        const file = await open(path, 'a+');
        files.set(table, file);
        const count = table.count(state);
        if ((await file.stat()).size < count * rowBytes(table)) {
          throw new FormatError(
            path,
            `is shorter than its ${count} finished rows: delete ${folder}`,
          );
        }
      }
      const work = new PartialFeatures(folder, state, files, lock);
      await work.rollBack();
      return work;
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

  /** Photos, or frames, that became rows. */
  get rows(): number {
    return this.#state.rows;
  }

  /** Photos, or clips, that have been left out. */
  get skipped(): readonly SkippedPhoto[] {
    return this.#state.skipped;
  }

  /** Adds the rows of one more batch. @throws FileError */
  async append(
    features: Readonly<Record<string, Float32Array>>,
    rows: number,
    skipped: readonly SkippedPhoto[],
  ): Promise<void> {
    await this.write(features);
    await this.commit(rows, skipped);
  }

  /** Adds rows, which count when the batch that they belong to is committed. @throws FileError */
  async write(features: Readonly<Record<string, Float32Array>>): Promise<void> {
    await this.#lock.check();
    await this.#writing(async () => {
      for (const [{ name }, file] of this.#files) {
        const values = features[name];
        if (!values) continue;
        await file.appendFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      }
    });
  }

  /** One more batch is done: so many rows were written since the last. @throws FileError */
  async commit(rows: number, skipped: readonly SkippedPhoto[]): Promise<void> {
    await this.#lock.check();
    await this.#writing(async () => {
      for (const [{ name }, file] of this.#files) {
        if (name === LENGTHS && rows > 0) {
          await file.appendFile(new Uint8Array(Int32Array.of(rows).buffer));
        }
        await file.datasync();
      }
    });
    const state = {
      ...this.#state,
      batches: this.#state.batches + 1,
      rows: this.#state.rows + rows,
      skipped: [...this.#state.skipped, ...skipped],
    };
    await writeFileAtomically(statePath(this.folder), JSON.stringify(state));
    this.#state = state;
  }

  /** Takes away the rows that were written since the last batch was committed. @throws FileError */
  async rollBack(): Promise<void> {
    await this.#writing(async () => {
      for (const [table, file] of this.#files) {
        await file.truncate(table.count(this.#state) * rowBytes(table));
      }
    });
  }

  /** Makes the feature file of what is there, and removes the folder. @throws FileError */
  async finish(out: string, encoder: FeatureEncoder, ids: readonly string[]): Promise<void> {
    const { skipped, job } = this.#state;
    const metadata = encodeFeatureMetadata({ encoder, ids, skipped, sampling: job.sampling });
    const header = headerOf(this.#state, metadata, out);
    const paths = tablesOf(job).map(({ name }) => join(this.folder, name));
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

  async #writing(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw asFileError(this.folder, 'written', error);
    }
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
function headerOf(state: State, metadata: Record<string, string>, out: string): Uint8Array {
  const json: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const table of tablesOf(state.job)) {
    const { name, dtype, shape } = table;
    const count = table.count(state);
    const end = offset + count * rowBytes(table);
    json[name] = { dtype, shape: [count, ...shape], data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(json));
  const header = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(text, 8);
  parseSafetensorsHeader(header, header.length + offset, out);
  return header;
}

/** Of clips: how many rows, one a frame, each has. */
const LENGTHS = 'lengths';

/** The tensors in the order of the official safetensors writer. */
function tablesOf({ rows, sampling }: Job): Table[] {
  const features = Object.keys(rows).sort();
  return [
    ...features.map(
      (name): Table => ({
        name,
        dtype: 'F32',
        shape: rows[name] ?? [],
        count: (state) => state.rows,
      }),
    ),
    ...(sampling ? [lengthsTable] : []),
  ];
}

const lengthsTable: Table = {
  name: LENGTHS,
  dtype: 'I32',
  shape: [],
  count: ({ batches, skipped }) => batches - skipped.length,
};

/** Both types have 4 bytes. */
function rowBytes({ shape }: Table): number {
  return 4 * shape.reduce((size, extent) => size * extent, 1);
}

function statePath(folder: string): string {
  return join(folder, 'state.json');
}

async function readState(folder: string) {
  const path = statePath(folder);
  if (!existsSync(path)) return undefined;
  const text = await readText(path);
  let state: State;
  try {
    state = stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FormatError(path, `is no state of an extraction: delete ${folder}`, { cause });
  }
  const { batches, rows, skipped, job } = state;
  if (job.sampling) {
    // A clip that is not left out has at least one frame.
    if (skipped.length <= batches && batches - skipped.length <= rows) return state;
    throw new FormatError(
      path,
      `${rows} rows and ${skipped.length} clips left out are not ${batches} clips: delete ${folder}`,
    );
  }
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
  photos: 'other photos or clips',
  batchSize: 'another batch size',
  rows: 'other outputs',
  sampling: 'other frames of clips',
};

function checkSame(found: Job, wanted: Job, folder: string): void {
  for (const key of ['encoder', 'photos', 'batchSize', 'rows', 'sampling'] as const) {
    const [there, here] = [JSON.stringify(found[key]), JSON.stringify(wanted[key])];
    if (there === here) continue;
    throw new ValueError(
      `${folder} is unfinished work with ${meanings[key]}: ${key} ${there} there, ${here} now. ` +
        'Finish that, delete the folder, or ask to restart.',
    );
  }
}
