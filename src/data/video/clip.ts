/** Clips in memory, where they come from, and sequences of numbers that stand for them. */

/** Frames of one clip, of one size. */
export interface Clip {
  readonly width: number;
  readonly height: number;
  /** 1: grey. 3: red, green, blue. */
  readonly channels: 1 | 3;
  /** (T, H, W, C): bytes, of which 255 is white. */
  readonly values: Uint8Array;
  /** (T): when each frame is shown, in seconds from the clip's begin, in ascending order. */
  readonly times: Float64Array;
}

/** A part of a video, an animation, or a folder of frames. */
export interface ClipFile {
  readonly path: string;
  /** Seconds from the video's begin (default: its begin, and its end). */
  readonly from?: number;
  readonly to?: number;
  /** Frames a second of a folder of frames (default: 25). */
  readonly frameRate?: number;
  /** Of a folder with several series of frames, the begin of the names of one: `img_`. */
  readonly series?: string;
}

/** A clip that is drawn when it is needed: the same at every call. */
export interface DrawnClip {
  draw(): Clip;
}

/** The same where something has to be read first, such as a photo. */
export interface AwaitedClip {
  draw(): Promise<Clip>;
}

/** Where the frames of a clip come from. */
export type ClipSource = ClipFile | DrawnClip | AwaitedClip | Clip;

/** One frame as bytes: rows from the top, of each pixel its channels. With three of them it is a `Pixels`. */
export interface FramePixels<C extends 1 | 3 = 1 | 3> {
  readonly width: number;
  readonly height: number;
  /** 1: grey. 3: red, green, blue. */
  readonly channels: C;
  /** (H, W, C) */
  readonly data: Uint8Array;
}

/** A frame, and when it is shown, in seconds from the clip's begin. */
export interface TimedFrame<C extends 1 | 3 = 1 | 3> {
  readonly frame: FramePixels<C>;
  readonly time: number;
}

/** What is known of a clip at each of its T steps, as numbers: joints of a body, features of frames. */
export interface Sequence {
  readonly D: number;
  /** (T, D) */
  readonly values: Float32Array;
}
