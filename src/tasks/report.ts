/** How a kind of model draws a page about a model of its own, for `glimpse report`. */
import type { z } from 'zod';
import type { SavedTraining } from '../training/model-file.js';

/** What a page is asked. */
export interface ReportRequest {
  readonly dataset: string;
  /** Where the page will be written: no file that is read. */
  readonly out: string;
  /** The command that makes the page, as one types it. */
  readonly command: string;
  /** Says something to people. */
  note(text: string): void;
}

/** A page, and what it tells. */
export interface Report {
  /** HTML that needs no other file. */
  readonly page: string;
  /** How many examples it shows, and which, for people: `12 of 36, evenly ...`. */
  readonly shown: number;
  readonly about: string;
  /** For programs. */
  readonly value: object;
  /** The same for people. */
  readonly lines: readonly string[];
}

/** A model as its file has it. */
export interface Reported<M> {
  readonly model: M;
  readonly training: SavedTraining | undefined;
  /** The file. */
  readonly source: string;
}

/** What a kind of model that draws pages adds to itself. */
export interface Reporter<M> {
  /** For help: what the page shows. */
  readonly summary: string;
  /** Flags of `glimpse report`. */
  readonly options: z.ZodObject;
  /** Draws the page. @throws UsageError for options and data that do not go with the model */
  report(reported: Reported<M>, request: ReportRequest, options: unknown): Promise<Report>;
}
