/** Clips among the files of folders, known by their names. */
import { dirname } from 'node:path';
import { contentOf } from '../formats/folders.js';
import type { FileKind } from '../formats/locate-files.js';
import { isPhotoName, photosBelow } from '../pictures/photo-files.js';

const CLIP =
  /\.(mp4|m4v|mov|avi|mkv|webm|mpe?g|mpv|m2ts|mts|ts|wmv|asf|flv|f4v|3gp|3g2|ogv|vob|y4m|gif|webp)$/i;

/** Whether a file is called as videos and animations are. */
export function isClipName(name: string): boolean {
  return CLIP.test(name);
}

/** Clips, where a set names files. A folder of frames has no ending. */
export const CLIPS: FileKind = {
  what: 'clip',
  setting: 'videos',
  withoutEnding: (name) => name.replace(CLIP, ''),
};

/**
 * The clips in a folder, by their paths from there: videos and animations. A folder with photos and without these is one
 * clip, whose frames they are.
 * @param recursive in the folders inside it, too. @throws FileError
 */
export async function clipsBelow(folder: string, recursive: boolean): Promise<string[]> {
  const isMeant = (name: string) => isClipName(name) || isPhotoName(name);
  const files = recursive
    ? await photosBelow(folder, isMeant)
    : (await contentOf(folder)).files.filter(isMeant);
  const folders = [...new Set(files.map((path) => dirname(path)))];
  return folders.flatMap((inner) => {
    const clips = files.filter((path) => dirname(path) === inner && isClipName(path));
    return clips.length > 0 ? clips : [inner];
  });
}
