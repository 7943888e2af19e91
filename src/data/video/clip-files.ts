/** Clips among the files of folders, known by their names. */
import { join } from 'node:path';
import { contentOf, Visited } from '../formats/folders.js';
import type { FileKind } from '../formats/locate-files.js';
import { isPhotoName } from '../pictures/photo-files.js';

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
  folders: ['.', 'videos', 'Videos', 'video', 'clips', 'frames', 'rawframes'],
  columns: [
    ['video', 'clip', 'file', 'filename', 'file_name', 'path'],
    [
      ...['video_path', 'video_name', 'clip_name', 'clip_path', 'filepath', 'file_path'],
      ...['folder', 'frame_dir', 'video_id', 'videoid', 'id'],
    ],
  ],
  hasParts: true,
  isName: isClipName,
  withoutEnding: (name) => name.replace(CLIP, ''),
};

/** What was found below a folder. */
export interface ClipsBelow {
  /** Videos, animations and folders of frames, by their paths from there. */
  readonly clips: readonly string[];
  /** Photos that belong to no clip. */
  readonly photos: readonly string[];
}

/**
 * The clips in a folder and in the folders inside it. A folder inside it that holds photos but no videos is a
 * clip: its frames. A folder that links lead to as well is looked into once. @throws FileError
 */
export async function clipsBelow(folder: string): Promise<ClipsBelow> {
  const visited = new Visited();
  const clips: string[] = [];
  const photos: string[] = [];
  const look = async (inner: string): Promise<void> => {
    if (!(await visited.first(join(folder, inner)))) return;
    const { files, folders } = await contentOf(join(folder, inner));
    const videos = files.filter(isClipName);
    const pictures = files.filter((name) => isPhotoName(name) && !isClipName(name));
    if (inner !== '' && pictures.length > 0 && videos.length === 0) {
      clips.push(inner);
      return;
    }
    clips.push(...videos.map((name) => join(inner, name)));
    photos.push(...pictures.map((name) => join(inner, name)));
    for (const name of folders) await look(join(inner, name));
  };
  await look('');
  return { clips, photos };
}
