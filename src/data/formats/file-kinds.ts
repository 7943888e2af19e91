/** A kind of file that is often brought in place of another. */
interface FileKind {
  readonly is: string;
  /** What to do with it. */
  readonly cure: string;
  /** Where the file may be what it should be, and only its name says otherwise. */
  readonly ending?: string;
  matches(start: Uint8Array): boolean;
}

/** Bytes of a file's start that are enough to tell its kind. */
export const KIND_BYTES = 512;

const SAVE =
  'in Python, save features with numpy.save("x.npy", x.astype("float32")), weights with safetensors.torch.save_file';

const KINDS: readonly FileKind[] = [
  { is: 'empty', cure: 'copy or download it again', matches: (start) => start.length === 0 },
  {
    is: 'a PyTorch checkpoint, which is not read',
    cure: SAVE,
    matches: (start) =>
      (begins(start, 'PK\x03\x04') &&
        /(^|\/)(data\.pkl|\.format_version|byteorder)$/.test(firstName(start))) ||
      begins(start, '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19'),
  },
  {
    is: 'a Python pickle, which could run any code and is not read',
    cure: SAVE,
    matches: ([first, protocol = 0]) => first === 0x80 && protocol >= 2 && protocol <= 5,
  },
  {
    is: 'a .npz file under another name',
    cure: 'let its name end in .npz',
    ending: '.npz',
    matches: (start) => begins(start, 'PK\x03\x04') && firstName(start).endsWith('.npy'),
  },
  {
    is: 'an Excel workbook, which is not read',
    cure: 'save it as CSV UTF-8',
    matches: (start) =>
      begins(start, 'PK\x03\x04') &&
      /^(\[Content_Types\]\.xml|_rels\/|xl\/)/.test(firstName(start)),
  },
  {
    is: 'a zip file, perhaps a PyTorch checkpoint, which is not read',
    cure: `unpack it, or ${SAVE}`,
    ending: '.npz',
    matches: (start) => begins(start, 'PK') && (start[2] ?? 9) < 9,
  },
  { is: 'gzipped', cure: 'unpack it (gunzip)', matches: (start) => begins(start, '\x1f\x8b') },
  {
    is: 'a tar archive',
    cure: 'unpack it',
    matches: (start) => begins(start.subarray(257), 'ustar'),
  },
  {
    is: 'an HDF5 file under another name',
    cure: 'let its name end in .h5',
    ending: '.h5',
    matches: (start) => begins(start, '\x89HDF\r\n\x1a\n'),
  },
  {
    is: 'a .npy file under another name',
    cure: 'let its name end in .npy',
    ending: '.npy',
    matches: (start) => begins(start, '\x93NUMPY'),
  },
  {
    is: 'a MATLAB file, which is not read',
    cure: 'in Python, numpy.save("x.npy", scipy.io.loadmat(file)["features"])',
    matches: (start) => begins(start, 'MATLAB '),
  },
  {
    is: 'a pointer of Git LFS in place of the file',
    cure: 'fetch the file (git lfs pull)',
    matches: (start) => begins(start, 'version https://git-lfs'),
  },
  {
    is: 'a web page in place of the file',
    cure: 'download the file itself',
    matches: (start) => /^\s*<(!doctype html|html)/i.test(textOf(start)),
  },
  {
    is: 'a picture',
    cure: 'name the file of numbers',
    matches: (start) => begins(start, '\xff\xd8\xff') || begins(start, '\x89PNG'),
  },
  {
    // Of an ONNX file the version comes first and then the program that made it, or the graph.
    is: 'an ONNX model under another name',
    cure: 'let its name end in .onnx',
    ending: '.onnx',
    matches: ([tag, version = 99, next]) =>
      tag === 0x08 && version < 32 && (next === 0x12 || next === 0x3a),
  },
  {
    is: 'a safetensors file under another name',
    cure: 'let its name end in .safetensors',
    ending: '.safetensors',
    matches: (start) => start[8] === 0x7b && start[9] === 0x22 && start[6] === 0 && start[7] === 0,
  },
];

/**
 * What a file is that is not what was asked for, and what to do with it: "is a zip file: unpack it".
 * @param start its first bytes, `KIND_BYTES` of them or all.
 * @param ending of the kind that was asked for.
 * @returns undefined for what is not known, and for what is of that kind.
 */
export function otherKind(start: Uint8Array, ending?: string): string | undefined {
  const kind = KINDS.find(({ matches }) => matches(start));
  return !kind || (ending !== undefined && kind.ending === ending)
    ? undefined
    : `is ${kind.is}: ${kind.cure}`;
}

function begins(bytes: Uint8Array, text: string): boolean {
  return [...text].every((character, index) => bytes[index] === character.charCodeAt(0));
}

/** The name of a zip file's first entry. */
function firstName(start: Uint8Array): string {
  const length = (start[26] ?? 0) + 256 * (start[27] ?? 0);
  return textOf(start.subarray(30, 30 + length));
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}
