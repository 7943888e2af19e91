/** Safetensors files on the disk: read whole, read by their header only, and written. */
import { KIND_BYTES } from './file-kinds.js';
import { readBytes, readStart, withOpenFile } from './files.js';
import {
  parseSafetensors,
  parseSafetensorsHeader,
  type SafetensorsFile,
  type SafetensorsHeader,
  safetensorsChunks,
  safetensorsHeaderSize,
} from './safetensors.js';
import type { SafetensorsTensor } from './safetensors-dtypes.js';
import { writeFileAtomically } from './write-files.js';

/** Reads a whole safetensors file. @throws FileError, FormatError */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  return parseSafetensors(await readBytes(path), path);
}

/** Reads a safetensors file's header only, however large the file. @throws FileError, FormatError */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withOpenFile(path, async (file) => {
    const { size } = await file.stat();
    const length = await readStart(file, Math.min(size, KIND_BYTES));
    const headerSize = safetensorsHeaderSize(length, size, path);
    return parseSafetensorsHeader(await readStart(file, headerSize), size, path);
  });
}

/** Writes a safetensors file atomically. @throws FileError, ValueError as `safetensorsChunks` */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, SafetensorsTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomically(path, safetensorsChunks(tensors, metadata));
}
