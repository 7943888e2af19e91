/** What the fuzz run and the process that reads the files say to each other. */
import type { PastFailure } from './past-failures.js';

/** What reading a file may take. */
export interface Limits {
  /** Milliseconds without an answer. */
  readonly patience: number;
  /** Milliseconds of the processor; an HDF5 file that leads nowhere takes 5 seconds. */
  readonly processor: number;
  /** Bytes. */
  readonly memory: number;
}

/** Files to read: those of a format by their numbers, or one that failed in the past. */
export interface Order {
  readonly format: string;
  readonly seed: number;
  /** The first number, and the one after the last. */
  readonly from: number;
  readonly until: number;
  /** After this time no file is begun but the first. */
  readonly milliseconds: number;
  /** Read in place of the files of those numbers. */
  readonly past?: PastFailure;
  readonly limits: Limits;
}

/** What is told while an order is carried out; the last one is `unprepared` or `done`. */
export type Report =
  /** This file is read now; of those before it so many were read and refused. */
  | { readonly at: number; readonly read: number; readonly refused: number }
  | { readonly failed: number; readonly reason: string }
  /** Why the format cannot be read at all; empty when it is that a package is not there. */
  | { readonly unprepared: string }
  /** The number of the file that is next, and whether a fresh process should read it. */
  | {
      readonly done: number;
      readonly read: number;
      readonly refused: number;
      readonly spent: boolean;
    };
