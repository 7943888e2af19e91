/** Types of the package `libheif-js`. */

/** The part of the optional package `libheif-js` that is used; it describes its functions nowhere. */
declare module 'libheif-js/wasm-bundle.js' {
  /** A handle into the decoder's own memory. */
  type Handle = object;
  /** What a function gives back instead of what was asked for. */
  interface HeifError {
    readonly code: { readonly value: number };
    readonly message?: string;
  }
  interface HeifPlane {
    readonly width: number;
    readonly height: number;
    /** Bytes from row to row. */
    readonly stride: number;
    readonly data: Uint8Array;
  }
  interface HeifDecoded {
    readonly code?: never;
    readonly image: Handle;
    readonly channels: readonly HeifPlane[];
  }
  const libheif: {
    readonly heif_colorspace_RGB: Handle;
    readonly heif_chroma_interleaved_RGBA: Handle;
    heif_context_alloc(): Handle | null;
    heif_context_read_from_memory(context: Handle, bytes: Uint8Array): HeifError;
    heif_context_free(context: Handle): void;
    heif_js_context_get_primary_image_handle(context: Handle): HeifError | Handle;
    heif_js_decode_image2(handle: Handle, colours: Handle, chroma: Handle): HeifError | HeifDecoded;
    heif_image_release(image: Handle): void;
    heif_image_handle_release(handle: Handle): void;
  };
  export default libheif;
}
