/** Decodes HEIC photos by the package `libheif-js`. */
import { PhotoError } from '../../errors.js';

/** A decoded photo: red, green, blue, opacity. */
export interface HeicPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/**
 * Decodes a HEIC photo, as iPhones take them, upright as its own header says. HEVC is patented, so
 * sharp comes without it: the package `libheif-js` (LGPL, WebAssembly) does it where it is installed.
 *
 * @throws PhotoError saying what to do without that package, or that the photo is damaged.
 */
export async function decodeHeic(bytes: Uint8Array, source: string): Promise<HeicPixels> {
  // Not the package's own HeifDecoder: that prints, and keeps the last photo.
  const libheif = await importLibheif(source);
  const context = libheif.heif_context_alloc();
  try {
    if (!context || libheif.heif_context_read_from_memory(context, bytes).code.value !== 0) {
      throw damaged(source);
    }
    const handle = libheif.heif_js_context_get_primary_image_handle(context);
    if (!handle || 'code' in handle) throw damaged(source);
    try {
      const { heif_colorspace_RGB: rgb, heif_chroma_interleaved_RGBA: interleaved } = libheif;
      const decoded = libheif.heif_js_decode_image2(handle, rgb, interleaved);
      if (!decoded || !('image' in decoded)) throw damaged(source);
      const [plane] = decoded.channels;
      const pixels = plane && packed(plane);
      libheif.heif_image_release(decoded.image);
      if (!pixels) throw damaged(source);
      return pixels;
    } finally {
      libheif.heif_image_handle_release(handle);
    }
  } finally {
    if (context) libheif.heif_context_free(context);
  }
}

/** Rows without the gaps between them. */
function packed(plane: {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly data: Uint8Array;
}): HeicPixels {
  const { width, height, stride } = plane;
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    const begin = y * stride;
    data.set(plane.data.subarray(begin, begin + width * 4), y * width * 4);
  }
  return { width, height, data };
}

function damaged(source: string): PhotoError {
  return new PhotoError(source, 'is no photo that can be decoded: the HEIC is damaged');
}

async function importLibheif(source: string) {
  try {
    return (await import('libheif-js/wasm-bundle.js')).default;
  } catch (error) {
    throw new PhotoError(
      source,
      'is a HEIC photo (HEVC), which sharp as npm installs it does not decode: npm install libheif-js, or save it as JPEG (iPhone: Settings, Camera, Formats, Most Compatible)',
      { cause: error },
    );
  }
}
