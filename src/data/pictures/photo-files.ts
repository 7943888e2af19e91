/** Photos among the files of folders, known by their names. */
import { join } from 'node:path';
import { contentOf, Visited } from '../formats/folders.js';

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

/**
 * The photos in a folder and in the folders inside it, by their paths from there.
 * @param named which files are meant. @throws FileError
 */
export async function photosBelow(
  folder: string,
  named = isPhotoName,
  visited = new Visited(),
): Promise<string[]> {
  if (!(await visited.first(folder))) return [];
  const { files, folders } = await contentOf(folder);
  const photos = files.filter(named);
  for (const name of folders) {
    for (const photo of await photosBelow(join(folder, name), named, visited))
      photos.push(join(name, photo));
  }
  return photos;
}
