/** What a file is by its first bytes, whatever it is called: a kind of photo, or what else. */

/** A kind of photo that is read. */
export interface PhotoKind {
  readonly name: 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'TIFF' | 'AVIF' | 'HEIC';
  /** Whether the end is missing, as far as the file itself tells; a decoder may know better. */
  isCut(bytes: Uint8Array): boolean;
}

/** The kinds of photos that are read, as people know them. */
export const PHOTO_KINDS = 'JPEG, PNG, WebP, GIF, TIFF and AVIF, and HEIC where it can be decoded';

/** A kind of photo, or a phrase for what else it is: "an HTML page". */
export type Recognised =
  | { readonly kind: PhotoKind; readonly other?: never }
  | { readonly kind?: never; readonly other: string };

/** What a file is. Only this decides which decoder sees it. */
export function recognisePhoto(bytes: Uint8Array): Recognised {
  const kind = KINDS.find(({ begins }) => begins(bytes));
  return kind ? { kind } : { other: whatElse(bytes) };
}

/** Bytes as characters of Latin 1. */
function latin(bytes: Uint8Array, begin: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(begin, end));
}

function startsWith(bytes: Uint8Array, ...first: readonly string[]): boolean {
  return first.some((text) => latin(bytes, 0, text.length) === text);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** "heic", "avif", ...: what a file of ISO's base media format says it is, the main brand first. */
function brands(bytes: Uint8Array): string[] {
  if (bytes.length < 12 || latin(bytes, 4, 8) !== 'ftyp') return [];
  const size = Math.min(viewOf(bytes).getUint32(0), bytes.length, 256);
  const found = [latin(bytes, 8, 12)];
  for (let place = 16; place + 4 <= size; place += 4) found.push(latin(bytes, place, place + 4));
  return found;
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

const KINDS: readonly (PhotoKind & { begins(bytes: Uint8Array): boolean })[] = [
  { name: 'JPEG', begins: (bytes) => startsWith(bytes, '\xff\xd8\xff'), isCut: () => false },
  {
    name: 'PNG',
    begins: (bytes) => startsWith(bytes, '\x89PNG\r\n\x1a\n'),
    isCut: (bytes) =>
      !latin(bytes, Math.max(0, bytes.length - 4096), bytes.length).includes('IEND'),
  },
  {
    name: 'WebP',
    begins: (bytes) => startsWith(bytes, 'RIFF') && latin(bytes, 8, 12) === 'WEBP',
    isCut: (bytes) => viewOf(bytes).getUint32(4, true) + 8 > bytes.length,
  },
  { name: 'GIF', begins: (bytes) => startsWith(bytes, 'GIF87a', 'GIF89a'), isCut: () => false },
  {
    name: 'TIFF',
    begins: (bytes) => startsWith(bytes, 'II*\0', 'MM\0*', 'II+\0', 'MM\0+'),
    // The list of what is in it often lies at the end. (BigTIFF's is not looked for.)
    isCut: (bytes) =>
      startsWith(bytes, 'II*', 'MM\0*') &&
      (bytes.length < 8 || viewOf(bytes).getUint32(4, startsWith(bytes, 'II')) >= bytes.length),
  },
  {
    name: 'AVIF',
    begins: (bytes) => brands(bytes).some((brand) => brand === 'avif' || brand === 'avis'),
    isCut: boxesAreCut,
  },
  {
    name: 'HEIC',
    begins: (bytes) =>
      brands(bytes).some((brand) => /^(hei[cmsx]|hev[cmsx]|mi[fa]1|msf1)$/.test(brand)),
    isCut: boxesAreCut,
  },
];

/** What a file is that is no photo, as a phrase; what it is not known to be stays open. */
function whatElse(bytes: Uint8Array): string {
  const known = OTHERS.find(({ begins }) => begins(bytes));
  if (known) return known.phrase;
  if (bytes.every((byte) => byte === 0)) return 'zeros only, as a download that broke off leaves';
  const text = textOf(bytes.subarray(0, 4096));
  if (text === undefined) return 'a file of a kind that is not known';
  const start = text.trimStart().toLowerCase();
  if (/^<(!doctype html|html|head|body)\b/.test(start)) {
    return 'an HTML page, such as a server sends instead of the file';
  }
  if (start.startsWith('<') && /<svg\b/.test(start)) return 'an SVG drawing';
  if (start.startsWith('<?xml')) return 'XML';
  if (start.startsWith('version https://git-lfs')) {
    return 'a pointer of Git LFS (git lfs pull fetches the file)';
  }
  return start === '' ? 'blank text' : 'text';
}

const OTHERS: readonly { readonly phrase: string; begins(bytes: Uint8Array): boolean }[] = [
  { phrase: 'a PDF document', begins: (bytes) => startsWith(bytes, '%PDF') },
  { phrase: 'a ZIP archive', begins: (bytes) => startsWith(bytes, 'PK\x03\x04', 'PK\x05\x06') },
  { phrase: 'a gzip archive', begins: (bytes) => startsWith(bytes, '\x1f\x8b') },
  { phrase: 'a BMP picture', begins: (bytes) => startsWith(bytes, 'BM') && bytes[14] === 40 },
  { phrase: 'a Photoshop document', begins: (bytes) => startsWith(bytes, '8BPS') },
  {
    phrase: 'a JPEG XL picture',
    begins: (bytes) => startsWith(bytes, '\xff\x0a', '\0\0\0\x0cJXL '),
  },
  {
    phrase: 'a JPEG 2000 picture',
    begins: (bytes) => startsWith(bytes, '\0\0\0\x0cjP  ', '\xff\x4f\xff\x51'),
  },
  {
    phrase: "macOS's notes on a file (AppleDouble), not the file",
    begins: (bytes) => startsWith(bytes, '\0\x05\x16\x07'),
  },
  { phrase: 'a film or a camera’s raw data', begins: (bytes) => brands(bytes).length > 0 },
];

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
