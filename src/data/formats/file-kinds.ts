/** What a file is by its first bytes, whatever it is called: one table for the readers of photos, numbers and text. */

/** The formats of photos that are read. */
export type PhotoFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'TIFF' | 'AVIF' | 'HEIC';

/** A kind of file that its first bytes tell. */
export interface FileKind {
  /** As a phrase: "a PDF document". */
  readonly is: string;
  /** What to do with it where another kind is needed. */
  readonly advice?: string;
  /** The ending of what it is or may be, by which it would be read. */
  readonly ending?: string;
  /** Of what may hold numbers: how Python saves them in a format that is read. */
  readonly numbers?: string;
  readonly photo?: PhotoFormat;
  matches(start: Uint8Array): boolean;
}

/** Bytes of a file's start that are enough to tell its kind. */
export const KIND_BYTES = 512;

const SAVE =
  'in Python, save features with numpy.save("x.npy", x.astype("float32")), weights with safetensors.torch.save_file';

/** The first that matches counts. */
const KINDS: readonly FileKind[] = [
  photo('JPEG', (start) => begins(start, '\xff\xd8\xff')),
  photo('PNG', (start) => begins(start, '\x89PNG\r\n\x1a\n')),
  photo('WebP', (start) => begins(start, 'RIFF') && latin1(start, 8, 12) === 'WEBP'),
  photo('GIF', (start) => begins(start, 'GIF87a', 'GIF89a')),
  photo('TIFF', (start) => begins(start, 'II*\0', 'MM\0*', 'II+\0', 'MM\0+')),
  photo('AVIF', (start) => brands(start).some((brand) => /^avi[fs]$/.test(brand))),
  photo('HEIC', (start) =>
    brands(start).some((brand) => /^(hei[cmsx]|hev[cmsx]|mi[fa]1|msf1)$/.test(brand)),
  ),
  { is: 'a film or a camera’s raw data', matches: (start) => brands(start).length > 0 },
  // Of a BMP file the header's size, 40 in four bytes, is at byte 14.
  {
    is: 'a BMP picture',
    matches: (start) => begins(start, 'BM') && begins(start.subarray(14), '\x28\0\0\0'),
  },
  { is: 'a Photoshop document', matches: (start) => begins(start, '8BPS\0') },
  { is: 'a JPEG XL picture', matches: (start) => begins(start, '\xff\x0a', '\0\0\0\x0cJXL ') },
  {
    is: 'a JPEG 2000 picture',
    matches: (start) => begins(start, '\0\0\0\x0cjP  ', '\xff\x4f\xff\x51'),
  },
  {
    is: "macOS's notes on a file (AppleDouble), not the file",
    matches: (start) => begins(start, '\0\x05\x16\x07'),
  },
  { is: 'a PDF document', matches: (start) => begins(start, '%PDF-') },
  { is: 'empty', advice: 'copy or download it again', matches: (start) => start.length === 0 },
  {
    is: 'a PyTorch checkpoint, which is not read',
    numbers: SAVE,
    matches: (start) =>
      (begins(start, 'PK\x03\x04') &&
        /(^|\/)(data\.pkl|\.format_version|byteorder)$/.test(firstName(start))) ||
      begins(start, '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19'),
  },
  {
    is: 'a Python pickle, which could run any code and is not read',
    numbers: SAVE,
    matches: ([first, protocol = 0]) => first === 0x80 && protocol >= 2 && protocol <= 5,
  },
  {
    is: 'a .npz file',
    ending: '.npz',
    matches: (start) => begins(start, 'PK\x03\x04') && firstName(start).endsWith('.npy'),
  },
  {
    is: 'an Excel workbook, which is not read',
    advice: 'save it as CSV UTF-8',
    matches: (start) =>
      begins(start, 'PK\x03\x04') &&
      /^(\[Content_Types\]\.xml|_rels\/|xl\/)/.test(firstName(start)),
  },
  {
    is: 'a zip file',
    advice: 'unpack it',
    ending: '.npz',
    numbers: `if it is a PyTorch checkpoint, ${SAVE}`,
    matches: (start) => begins(start, 'PK') && (start[2] ?? 9) < 9,
  },
  { is: 'gzipped', advice: 'unpack it with gunzip', matches: (start) => begins(start, '\x1f\x8b') },
  {
    is: 'a tar archive',
    advice: 'unpack it',
    matches: (start) => begins(start.subarray(257), 'ustar'),
  },
  {
    is: 'an HDF5 file',
    ending: '.h5',
    matches: (start) => begins(start, '\x89HDF\r\n\x1a\n'),
  },
  { is: 'a .npy file', ending: '.npy', matches: (start) => begins(start, '\x93NUMPY') },
  {
    is: 'a MATLAB file, which is not read',
    advice: 'in Python, numpy.save("x.npy", scipy.io.loadmat(file)["features"])',
    matches: (start) => begins(start, 'MATLAB '),
  },
  {
    is: 'a pointer of Git LFS in place of the file',
    advice: 'fetch the file with git lfs pull',
    matches: (start) => begins(start, 'version https://git-lfs'),
  },
  {
    is: 'a web page in place of the file',
    advice: 'download the file itself',
    matches: (start) => /^<(!doctype html|html|head|body)\b/i.test(markup(start)),
  },
  { is: 'an SVG drawing', matches: (start) => /^<(?:[\s\S]*<)?svg\b/i.test(markup(start)) },
  { is: 'XML', matches: (start) => /^<\?xml\b/i.test(markup(start)) },
  {
    // Of an ONNX file the version comes first and then the program that made it, or the graph.
    is: 'an ONNX model',
    ending: '.onnx',
    matches: ([tag, version = 99, next]) =>
      tag === 0x08 && version < 32 && (next === 0x12 || next === 0x3a),
  },
  {
    is: 'a safetensors file',
    ending: '.safetensors',
    matches: (start) => start[8] === 0x7b && start[9] === 0x22 && start[6] === 0 && start[7] === 0,
  },
];

function photo(format: PhotoFormat, matches: FileKind['matches']): FileKind {
  return {
    is: `a ${format} photo`,
    advice: 'name the file of numbers or captions',
    photo: format,
    matches,
  };
}

/** What a file is; undefined where no signature matches. @param start its first bytes, or all of them */
export function fileKind(start: Uint8Array): FileKind | undefined {
  return KINDS.find(({ matches }) => matches(start));
}

/**
 * What a file is that is not what was asked for, and what to do with it: "is a zip file: unpack it".
 * @param start its first bytes, `KIND_BYTES` of them or all.
 * @param ending of the kind that was asked for.
 * @returns undefined for what is not known, and for what is of that kind.
 */
export function otherKind(start: Uint8Array, ending?: string): string | undefined {
  const kind = fileKind(start);
  if (!kind || (ending !== undefined && kind.ending === ending)) return undefined;
  const advice = [kind.advice, kind.numbers].filter((text) => text !== undefined);
  if (advice.length > 0) return `is ${kind.is}: ${advice.join(', or ')}`;
  return kind.ending === undefined
    ? `is ${kind.is}`
    : `is ${kind.is} under another name: let its name end in ${kind.ending}`;
}

/** Bytes as characters of Latin 1. */
export function latin1(bytes: Uint8Array, begin: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(begin, end));
}

/** Whether bytes begin with one of the texts, a character a byte. */
export function begins(bytes: Uint8Array, ...texts: readonly string[]): boolean {
  return texts.some((text) => latin1(bytes, 0, text.length) === text);
}

/** "heic", "avif", ...: what a file of ISO's base media format says it is, the main brand first. */
function brands(bytes: Uint8Array): string[] {
  if (bytes.length < 12 || latin1(bytes, 4, 8) !== 'ftyp') return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Math.min(view.getUint32(0), bytes.length, 256);
  const found = [latin1(bytes, 8, 12)];
  for (let place = 16; place + 4 <= size; place += 4) found.push(latin1(bytes, place, place + 4));
  return found;
}

/** The name of a zip file's first entry. */
function firstName(start: Uint8Array): string {
  const length = (start[26] ?? 0) + 256 * (start[27] ?? 0);
  return new TextDecoder('latin1').decode(start.subarray(30, 30 + length));
}

/** The start of a text, without white space and a byte order mark before it. */
function markup(start: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(start.subarray(0, 4096));
  return text.replace(/^(?:\xef\xbb\xbf)?\s*/, '');
}
