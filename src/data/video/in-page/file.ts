/** Files that a page reads clips of: chosen by the user, or at an address. */
import { FileError } from '../../../errors.js';
import { KIND_BYTES } from '../../formats/file-kinds.js';

/** Where a page has a clip: a file that the user chose, bytes (`new Blob([bytes])`), or an address. */
export type FileInPage = Blob | URL | string;

/** What a file is called in errors. */
export function nameOf(file: FileInPage): string {
  if (!(file instanceof Blob)) return String(file);
  return file instanceof File && file.name !== '' ? file.name : 'the clip';
}

/** Its first bytes, enough to tell its kind. @throws FileError */
export async function startOf(file: FileInPage): Promise<Uint8Array> {
  if (file instanceof Blob) return bytesOf(file.slice(0, KIND_BYTES), KIND_BYTES);
  // Servers that do not know parts send all; the rest of it is not waited for.
  return fetched(file, KIND_BYTES, { headers: { Range: `bytes=0-${KIND_BYTES - 1}` } });
}

/** The whole file. @throws FileError when it cannot be read or has more bytes than `most` */
export async function bytesOf(file: FileInPage, most: number): Promise<Uint8Array<ArrayBuffer>> {
  if (!(file instanceof Blob)) {
    const bytes = await fetched(file, most + 1, {});
    if (bytes.length > most) throw tooLong(file, most);
    return bytes;
  }
  if (file.size > most) throw tooLong(file, most);
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    throw new FileError(
      nameOf(file),
      `cannot be read: ${error instanceof Error ? error.message : error}; choose it again`,
      { cause: error },
    );
  }
}

/** So many bytes of what lies at an address, or all. */
async function fetched(
  address: URL | string,
  most: number,
  request: RequestInit,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(address, request).catch((error: unknown) => {
    throw notFetched(address, error instanceof Error ? error.message : String(error), error);
  });
  if (!response.ok) {
    throw notFetched(address, `the server answered ${response.status} ${response.statusText}`);
  }
  const reader = response.body?.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    while (reader && length < most) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      length += value.length;
    }
  } catch (error) {
    throw notFetched(address, error instanceof Error ? error.message : String(error), error);
  } finally {
    reader?.cancel().catch(() => undefined);
  }
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  return bytes.subarray(0, most);
}

/** The error for an address that gives no file. */
export function notFetched(address: URL | string, why: string, cause?: unknown): FileError {
  return new FileError(
    String(address),
    `cannot be fetched: ${why.trim()}; is the address right, and does its server allow this page to read it (CORS)?`,
    { cause },
  );
}

function tooLong(file: FileInPage, most: number): FileError {
  return new FileError(
    nameOf(file),
    `has more than the ${Math.floor(most / 1e6)} MB that are read into a page: make it smaller, or a video of it`,
  );
}
