import {
  classifyClip,
  decodeModel,
  framesForClassifier,
  GlimpseError,
  type Guess,
  type PageClipRequest,
  parseSafetensors,
  readClipInPage,
  videoClassifierKind,
} from '@/index.js';

/** A clip that a page has read, or the error, in a form that leaves the page. */
export interface ReadInPage {
  readonly width?: number;
  readonly height?: number;
  readonly channels?: number;
  readonly times?: readonly number[];
  /** In base64. */
  readonly values?: string;
  readonly error?: { readonly name: string; readonly message: string };
}

/** Reads a file beside the page: as a file that the user chose, or at its address. */
export async function read(
  name: string,
  request: PageClipRequest = {},
  by: 'file' | 'address' = 'file',
): Promise<ReadInPage> {
  try {
    const file =
      by === 'address' ? name : new File([await (await fetch(name)).arrayBuffer()], name);
    const { width, height, channels, times, values } = await readClipInPage(file, request);
    let text = '';
    for (let i = 0; i < values.length; i += 0x8000) {
      text += String.fromCharCode(...values.subarray(i, i + 0x8000));
    }
    return { width, height, channels, times: [...times], values: btoa(text) };
  } catch (error) {
    if (!(error instanceof GlimpseError)) throw error;
    return { error: { name: error.name, message: error.message } };
  }
}

/** Says what a model beside the page makes of a clip beside it. */
export async function classify(model: string, clip: string): Promise<readonly Guess[]> {
  const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
  const opened = decodeModel(videoClassifierKind, parseSafetensors(bytes, model), model);
  const frames = await readClipInPage(clip, framesForClassifier(opened.model));
  return classifyClip(opened.model, frames);
}
