/** Clips among the files of folders, known by their names. */
import type { FileKind } from '../formats/locate-files.js';

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
