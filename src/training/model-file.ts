import { readSafetensors } from '../data/formats/safetensors-files.js';
import { writeFileAtomically } from '../data/formats/write-files.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';

/** Reads a model file. @throws FileError, FormatError */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  return decodeCheckpoint(await readSafetensors(path), path);
}

/** Writes a model file: either the old or the whole new one stands at any time. @throws FileError */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  await writeFileAtomically(path, encodeCheckpoint(checkpoint));
}
