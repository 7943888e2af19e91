/** How a kind of model draws a page about a model of its own, for `glimpse report`. */
import type { z } from 'zod';

/** What a page is asked. */
export interface ReportRequest {
  readonly dataset: string;
  /** The command that makes the page, as one types it. */
  readonly command: string;
  /** Says something to people. */
  note(text: string): void;
}

/** A page, and what it tells. */
export interface Report {
  /** HTML that needs no other file. */
  readonly page: string;
  /** For people: what the page shows, `12 of 36 clips`. */
  readonly about: string;
  /** For programs. */
  readonly value: object;
  /** The same for people. */
  readonly lines: readonly string[];
}

/** What a kind of model that draws pages adds to itself. */
export interface Reporter<O> {
  /** For help: what the page shows. */
  readonly summary: string;
  /** Flags of `glimpse report`. */
  readonly options: z.ZodObject;
  /** @param opened the model as its file has it */
  report(opened: O, request: ReportRequest, options: unknown): Promise<Report>;
}
