/** Photos among the files of folders, known by their names. */
import { join } from 'node:path';
import { contentOf, type FolderContent, Visited } from '../formats/folders.js';
import type { FileKind } from '../formats/locate-files.js';

const PHOTO = /\.(jpe?g|png|webp|gif|tiff?|heic|heif|avif)$/i;
/** Formats of other programs and of cameras. */
const UNREAD = /\.(bmp|jp2|jxl|ico|psd|tga|svg|dng|raw|cr2|cr3|nef|arw|orf|raf|rw2)$/i;

/** Whether a file is called as photos are. */
export function isPhotoName(name: string): boolean {
  return PHOTO.test(name);
}

/** Whether a file is called as photos in a format that is not read. */
export function isUnreadPhotoName(name: string): boolean {
  return UNREAD.test(name);
}

/** A photo's name without its ending: `dog` of `dog.jpg`. */
export function withoutEnding(name: string): string {
  return name.replace(PHOTO, '');
}

/** Photos, where a set names files. */
export const PHOTOS: FileKind = {
  what: 'photo',
  setting: 'images',
  folders: ['.', 'images', 'Images', 'photos'],
  columns: [
    ['file', 'file_name', 'filename', 'image', 'image_name', 'photo', 'path'],
    [
      'image_path',
      'img_path',
      'photo_path',
      'filepath',
      'file_path',
      'image_file',
      'img',
      'picture',
      'image_id',
    ],
  ],
  hasParts: false,
  isName: isPhotoName,
  withoutEnding,
};

/**
 * The photos in a folder and in the folders inside it, by their paths from there: those of a folder before
 * those of the folders in it. A folder that links lead to as well is looked into once, on the shortest way.
 * @param named which files are meant. @throws FileError
 */
export async function photosBelow(folder: string, named = isPhotoName): Promise<string[]> {
  const visited = new Visited();
  const contents = new Map<string, FolderContent>();
  const queue = [''];
  for (const inner of queue) {
    if (!(await visited.first(join(folder, inner)))) continue;
    const content = await contentOf(join(folder, inner));
    contents.set(inner, content);
    queue.push(...content.folders.map((name) => join(inner, name)));
  }
  const photosIn = (inner: string): string[] => {
    const { files = [], folders = [] } = contents.get(inner) ?? {};
    return [
      ...files.filter(named).map((name) => join(inner, name)),
      ...folders.flatMap((name) => photosIn(join(inner, name))),
    ];
  };
  return photosIn('');
}
