import { extname } from 'node:path';
import { holdsCaptionTable } from './caption-table.js';
import { holdsCoco } from './coco.js';
import { holdsCs231n } from './cs231n.js';
import { isFolder, readText } from './files.js';
import { recogniseFlickr8k } from './flickr8k.js';
import { holdsKarpathy } from './karpathy.js';
import { photosBelow } from './photo-files.js';

/**
 * The format of a file or folder, by the names of files or, of a JSON file, by how it starts;
 * undefined for none that is known. @throws FileError when there is neither file nor folder
 */
export async function recogniseDataset(path: string): Promise<string | undefined> {
  if (!(await isFolder(path))) return ofFile(path);
  const flickr = await recogniseFlickr8k(path);
  if (flickr) return flickr;
  if (holdsCs231n(path)) return 'cs231n';
  if (await holdsCoco(path)) return 'coco';
  if (await holdsKarpathy(path)) return 'karpathy';
  if (await holdsCaptionTable(path)) return 'captions';
  // Photos without captions, or with a table of another name: that is said by the reader of those.
  return (await photosBelow(path)).length > 0 ? 'captions' : undefined;
}

async function ofFile(path: string): Promise<string | undefined> {
  const extension = extname(path).toLowerCase();
  if (['.csv', '.tsv', '.jsonl'].includes(extension)) return 'captions';
  if (extension !== '.json') return undefined;
  const text = await readText(path);
  if (/^\s*\[/.test(text)) return 'captions';
  if (/"sentences"\s*:/.test(text)) return 'karpathy';
  return /"annotations"\s*:/.test(text) ? 'coco' : undefined;
}
