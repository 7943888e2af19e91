/** One format under fuzzing: its damaged files by seed and number, and what came of reading them. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { spoilt } from '@test/damage.js';
import fc from 'fast-check';
import { GlimpseError, MissingDependencyError } from '@/errors.js';
import type { Format } from './format.js';
import type { PastFailure } from './past-failures.js';

/** A damaged file: its place in the folder, and its bytes. */
export interface Damaged {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What came of reading: it was read, it was refused with a typed error, or neither. */
export type Outcome =
  | { readonly kind: 'read' }
  | { readonly kind: 'refused' | 'failed'; readonly reason: string };

export class Target {
  readonly name: string;
  readonly #read: Format['read'];
  readonly #files: ReadonlyMap<string, Uint8Array>;
  readonly #damage: fc.Arbitrary<Damaged>;

  private constructor({ name, read }: Format, files: ReadonlyMap<string, Uint8Array>) {
    this.name = name;
    this.#read = read;
    this.#files = files;
    const spoilable = [...files].filter(([, bytes]) => bytes.length > 0);
    this.#damage = fc.oneof(
      ...spoilable.map(([path, good]) => spoilt(path, good).map((bytes) => ({ path, bytes }))),
    );
  }

  /**
   * Makes the format's good files and reads them.
   * @returns undefined when a package that they need is not there.
   * @throws Error when they are not read: what is said of damaged ones would mean nothing.
   */
  static async prepare(format: Format, folder: string): Promise<Target | undefined> {
    try {
      const files = Object.entries(await format.files());
      const bytes = files.map(([path, content]): [string, Uint8Array] => [
        path,
        Buffer.from(content),
      ]);
      const target = new Target(format, new Map(bytes));
      await target.#write(folder);
      await format.read(folder);
      return target;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new Error(`the good files of ${format.name} are not read: ${error}`, { cause: error });
    }
  }

  /** The damaged file of that number: a pure function of seed and number. */
  damaged(seed: number, number: number): Damaged {
    // Neighbouring seeds share no files.
    const mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(number, 0xc2b2ae35);
    const [damaged] = fc.sample(this.#damage, { seed: mixed, numRuns: 1 });
    if (!damaged) throw new Error('nothing was drawn');
    return damaged;
  }

  /** The damaged file of a failure. */
  static past({ path, bytes }: PastFailure): Damaged {
    return { path, bytes: Buffer.from(bytes, 'base64') };
  }

  /** Reads the files, one of them damaged, in a folder that is then as before. */
  async outcome(damaged: Damaged, folder: string): Promise<Outcome> {
    await this.#write(folder, damaged);
    try {
      await this.#read(folder);
      return { kind: 'read' };
    } catch (error) {
      const kind = error instanceof GlimpseError && !isMissing(error) ? 'refused' : 'failed';
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { kind, reason };
    }
  }

  async #write(folder: string, damaged?: Damaged): Promise<void> {
    await rm(folder, { recursive: true, force: true });
    for (const [path, bytes] of this.#files) {
      const place = join(folder, path);
      await mkdir(dirname(place), { recursive: true });
      await writeFile(place, path === damaged?.path ? damaged.bytes : bytes);
    }
  }
}

/** Whether a package is missing: of good files the reason that they are left out, of others a lie. */
function isMissing(error: unknown): boolean {
  if (error instanceof MissingDependencyError) return true;
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}
