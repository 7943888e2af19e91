/** What a command writes: whether it can is asked before the work, and the answer is said in any case. */
import { checkWritable } from '../data/formats/write-files.js';

/** Asks before the work. @throws FileError naming the first output that cannot be written */
export async function checkOutputs(...paths: readonly (string | undefined)[]): Promise<void> {
  for (const path of paths) if (path !== undefined) await checkWritable(path);
}

/**
 * Writes what was computed and says the answer: also when the disk has become full meanwhile.
 * @param say is told whether the file is there.
 * @throws what writing did, after the answer.
 */
export async function writeAndSay(
  write: () => Promise<void>,
  say: (written: boolean) => void,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    say(false);
    throw error;
  }
  say(true);
}
