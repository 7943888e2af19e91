/** The kinds of photos that are read: told by their first bytes, and how each shows that its end is missing. */
import { begins, fileKind, latin1, type PhotoFormat } from '../formats/file-kinds.js';

/** A kind of photo that is read. */
export interface PhotoKind {
  readonly name: PhotoFormat;
  /** Whether the end is missing, as far as the file itself tells; a decoder may know better. */
  isCut(bytes: Uint8Array): boolean;
}

/** The kinds of photos that are read, as people know them. */
export const PHOTO_KINDS = 'JPEG, PNG, WebP, GIF, TIFF and AVIF, and HEIC where it can be decoded';

/** A kind of photo, or a phrase for what else it is: "a PDF document". */
export type Recognised =
  | { readonly kind: PhotoKind; readonly other?: never }
  | { readonly kind?: never; readonly other: string };

/** What a file is. Only this decides which decoder sees it. */
export function recognisePhoto(bytes: Uint8Array): Recognised {
  const found = fileKind(bytes);
  if (!found) return { other: whatElse(bytes) };
  const { photo, is, advice } = found;
  if (photo) return { kind: { name: photo, isCut: IS_CUT[photo] } };
  return { other: advice === undefined ? is : `${is} (${advice})` };
}

const IS_CUT: Readonly<Record<PhotoFormat, PhotoKind['isCut']>> = {
  JPEG: () => false,
  PNG: (bytes) => !latin1(bytes, Math.max(0, bytes.length - 4096), bytes.length).includes('IEND'),
  WebP: (bytes) => viewOf(bytes).getUint32(4, true) + 8 > bytes.length,
  GIF: () => false,
  // The list of what is in it often lies at the end. (BigTIFF's is not looked for.)
  TIFF: (bytes) =>
    begins(bytes, 'II*', 'MM\0*') &&
    (bytes.length < 8 || viewOf(bytes).getUint32(4, begins(bytes, 'II')) >= bytes.length),
  AVIF: boxesAreCut,
  HEIC: boxesAreCut,
};

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Whether a box of the outermost level goes on beyond the end. */
function boxesAreCut(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  let place = 0;
  while (place + 8 <= bytes.length) {
    const size = view.getUint32(place);
    // 0: to the end, however far that is; 1: a size of 64 bits, which no photo needs.
    if (size < 8) return false;
    place += size;
  }
  return place > bytes.length;
}

/** A file without a signature, as a phrase; what it is not known to be stays open. */
function whatElse(bytes: Uint8Array): string {
  if (bytes.every((byte) => byte === 0)) return 'zeros only, as a download that broke off leaves';
  const text = textOf(bytes.subarray(0, 4096));
  if (text === undefined) return 'a file of a kind that is not known';
  return text.trim() === '' ? 'blank text' : 'text';
}

/** The start of a file as text, if it is text. */
function textOf(bytes: Uint8Array): string | undefined {
  const isControl = (byte: number) =>
    byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d) && byte !== 0x1b;
  if (bytes.some(isControl)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return undefined;
  }
}
