/** Videos as clips in a page: unpacked by the package mediabunny, decoded by the browser's WebCodecs. */
import {
  ClipError,
  type FileError,
  GlimpseError,
  MissingDependencyError,
} from '../../../errors.js';
import { resizePixels } from '../../pictures/resize.js';
import { frameTooLarge, LARGEST_FRAME, noVideo, sizeChanges } from '../clip-faults.js';
import type { FrameList } from '../frame-list.js';
import { type FileInPage, nameOf, notFetched } from './file.js';
import type { Input, InputVideoTrack } from './mediabunny.js';
import { pixelsOf } from './pixels.js';

/** Most frames of a video: 11 hours at 25 a second. */
const MOST_FRAMES = 1e6;

/** Seconds by which times may differ that mean the same. */
const SAME_TIME = 1e-6;

/**
 * Opens a video.
 * @throws ClipError when it is none, has no frames, too large ones, or a codec that the browser does not know;
 *   FileError when it cannot be fetched; MissingDependencyError without WebCodecs or mediabunny.
 */
export async function openVideoInPage(file: FileInPage): Promise<FrameList & Disposable> {
  const name = nameOf(file);
  if (typeof VideoDecoder === 'undefined') {
    throw new MissingDependencyError(
      `${name}: this page has no WebCodecs (VideoDecoder), which decodes videos: take a newer browser, and serve the page over https or from localhost`,
    );
  }
  const media = await importMediabunny();
  const input = new media.Input({ source: sourceOf(media, file), formats: formatsOf(media) });
  const told = (error: unknown) => faultOf(media, error, name);
  try {
    const track = await decodable(input, name);
    const stamps = await timestampsOf(media, track, name);
    // As players count: from the first of all that is seen or heard.
    const start = Math.max(0, await input.getFirstTimestamp());
    const shown = stamps.filter(({ begin }) => begin - start > -SAME_TIME);
    if (shown.length === 0) throw new ClipError(name, 'has no frames');
    return {
      times: shown.map(({ begin }) => Math.max(0, begin - start)),
      end: shown.reduce((end, stamp) => Math.max(end, stamp.end - start), 0),
      async *read(places, size) {
        const once = [...new Set(places)];
        const wanted = once.map((place) => shown[place]?.begin ?? 0);
        const samples = new media.VideoSampleSink(track).samplesAtTimestamps(wanted);
        let before: { readonly width: number; readonly height: number } | undefined;
        let k = 0;
        try {
          for await (const sample of samples) {
            const place = once[k++];
            if (!sample) {
              throw new ClipError(
                name,
                `is cut short: frame ${(place ?? 0) + 1} of ${shown.length} cannot be decoded; copy or download it again`,
              );
            }
            const { rotation, flip, visibleRect, pixelAspectRatio } = sample;
            const square =
              (visibleRect.width * pixelAspectRatio.num) /
              (visibleRect.height * pixelAspectRatio.den);
            const pixels = await pixelsOf(sample, { rotation, flip }).finally(() => sample.close());
            if (
              !size &&
              before &&
              (before.width !== pixels.width || before.height !== pixels.height)
            )
              throw sizeChanges(name, before, pixels);
            before = pixels;
            const frame = size
              ? resizePixels(pixels, size, rotation % 180 === 0 ? square : 1 / square)
              : pixels;
            for (const other of places) if (other === place) yield frame;
          }
        } catch (error) {
          throw told(error);
        }
      },
      [Symbol.dispose]: () => input.dispose(),
    };
  } catch (error) {
    input.dispose();
    throw told(error);
  }
}

type Mediabunny = typeof import('./mediabunny.js');

async function importMediabunny(): Promise<Mediabunny> {
  try {
    return await import('./mediabunny.js');
  } catch (error) {
    throw new MissingDependencyError(
      'A page unpacks videos by the package "mediabunny", which is not there: npm install mediabunny',
      { cause: error },
    );
  }
}

function sourceOf({ BlobSource, UrlSource }: Mediabunny, file: FileInPage) {
  if (file instanceof Blob) return new BlobSource(file);
  // It would try for ever.
  return new UrlSource(file, { getRetryDelay: (attempts) => (attempts < 3 ? attempts : null) });
}

/** Not among them: playlists, which open other files. Those of sound, to say that there is no video in them. */
function formatsOf({ MP4, QTFF, MATROSKA, WEBM, OGG, MPEG_TS, MP3, WAVE, FLAC, ADTS }: Mediabunny) {
  return [MP4, QTFF, MATROSKA, WEBM, OGG, MPEG_TS, MP3, WAVE, FLAC, ADTS];
}

/** The video of a file. @throws ClipError unless this browser can decode it */
async function decodable(input: Input, name: string): Promise<InputVideoTrack> {
  const [track] = await input.getVideoTracks();
  if (!track) throw noVideo(name);
  const [width, height] = [await track.getCodedWidth(), await track.getCodedHeight()];
  if (width * height > LARGEST_FRAME) throw frameTooLarge(name, width, height);
  if (await track.canDecode()) return track;
  const codec = (await track.getCodecParameterString()) ?? (await track.getCodec()) ?? 'unknown';
  throw new ClipError(
    name,
    `is a video of a codec (${codec}) that this browser does not decode: convert it, ffmpeg -i <file> -c:v libvpx-vp9 clip.webm`,
  );
}

/** When each frame begins and ends, in the order in which they are shown, in the file's own seconds. */
async function timestampsOf(
  { EncodedPacketSink }: Mediabunny,
  track: InputVideoTrack,
  name: string,
) {
  const stamps: { readonly begin: number; readonly end: number }[] = [];
  const packets = new EncodedPacketSink(track).packets(undefined, undefined, {
    metadataOnly: true,
  });
  for await (const { timestamp, duration } of packets) {
    stamps.push({ begin: timestamp, end: timestamp + duration });
    if (stamps.length > MOST_FRAMES) {
      throw new ClipError(
        name,
        `has more than ${MOST_FRAMES.toLocaleString('en')} frames: cut it into pieces`,
      );
    }
  }
  return stamps.sort((a, b) => a.begin - b.begin);
}

/** What went wrong, as an error of ours. */
function faultOf({ UnsupportedInputFormatError }: Mediabunny, error: unknown, name: string) {
  if (error instanceof GlimpseError) return error;
  if (error instanceof UnsupportedInputFormatError) {
    return new ClipError(
      name,
      'is no video of a format that a page reads (MP4, QuickTime, WebM, Matroska, Ogg, MPEG-TS): convert it, ffmpeg -i <file> clip.mp4',
      { cause: error },
    );
  }
  const [said = ''] = (error instanceof Error ? error.message : String(error)).split(/[.\n]/);
  if (/fetch/i.test(said)) return notFetched(name, said, error) satisfies FileError;
  return new ClipError(
    name,
    `is damaged or cut short, so it cannot be decoded ("${said}"): copy or download it again`,
    { cause: error },
  );
}
