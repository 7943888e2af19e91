/** Formats of sets of clips: labelled and captioned. */
import { join } from 'node:path';
import { npyFile, zipFile } from '@test/data/formats/array-files.js';
import { openCaptionedClips } from '@/data/video/clip-caption-dataset.js';
import { openClips } from '@/data/video/clip-dataset.js';
import type { Files, Format } from './format.js';

const clips: Files = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.mp4`, '']));

/** Opens a set of labelled clips, and reads those that are in arrays. */
const opens =
  (format: string, path: string, settings = '') =>
  async (folder: string) => {
    const { splits } = await openClips(`${format}${join(folder, path)}${settings}`);
    for (const { clip } of [...splits.train, ...splits.dev, ...splits.test]) {
      if ('draw' in clip) clip.draw();
    }
  };
const captioned = (format: string, path: string) => (folder: string) =>
  openCaptionedClips(`${format}${join(folder, path)}`);

const table = npyFile('<i4', [4, 3], Int32Array.of(1, 7, 2, 2, 7, 1, 1, 8, 3, 2, 8, 2));
const columns = ',columns=action+person+frames,by=person,test=8';

const labelled: readonly Format[] = [
  {
    name: 'npz-frames',
    files: () => ({
      'x.npz': zipFile({
        'frames.npy': npyFile('|u1', [8, 2, 3], new Uint8Array(48)),
        'clips.npy': table,
      }),
    }),
    read: opens('npz:', 'x.npz', columns),
  },
  {
    name: 'npz-sequences',
    files: () => ({
      'x.npz': zipFile({
        'X_train.npy': npyFile('<f4', [4, 2, 3], new Float32Array(24)),
        'y_train.npy': npyFile('|S1', [4], Buffer.from('abab')),
        'X_test.npy': npyFile('<f4', [2, 2, 3], new Float32Array(12)),
        'y_test.npy': npyFile('|S1', [2], Buffer.from('ab')),
      }),
    }),
    read: opens('npz:', 'x.npz'),
  },
  {
    name: 'clip-table',
    files: () => ({
      ...clips,
      'x.csv': 'video,action,start,end\na.mp4,run,0,1\na.mp4,"walk",1,2\nb.mp4,run,,\n',
    }),
    read: opens('table:', 'x.csv'),
  },
  {
    name: 'clip-lines',
    files: () => ({
      ...clips,
      'x.jsonl': ['a', 'b', 'c', 'd']
        .map((name, i) => JSON.stringify({ video: `${name}.mp4`, label: i % 2, split: 'train' }))
        .join('\n'),
    }),
    read: opens('table:', 'x.jsonl'),
  },
  {
    name: 'ucf101',
    files: () => ({
      'classInd.txt': '1 Bow\n2 Row\n',
      'trainlist01.txt': 'Bow/a.avi 1\nRow/b.avi 2\n',
      'testlist01.txt': 'Bow/c.avi\nRow/d.avi\n',
      ...{ 'Bow/a.avi': '', 'Row/b.avi': '', 'Bow/c.avi': '', 'Row/d.avi': '' },
    }),
    read: opens('', '.'),
  },
  {
    name: 'mmaction2',
    files: () => ({
      ...clips,
      'x.txt': 'a.mp4 0\nb.mp4 1\nc.mp4 0\nd.mp4 1\n',
      'names.txt': 'run\nwalk\n',
    }),
    read: opens('mmaction2:', 'x.txt', ',names=names.txt'),
  },
  {
    name: 'kinetics',
    files: () => ({
      ...clips,
      'train.csv':
        'label,youtube_id,time_start,time_end,split\nrun,a,0,10,train\nbow,b,2,9,train\n',
      'val.csv': 'label,youtube_id,time_start,time_end,split\nrun,c,0,10,val\n',
    }),
    read: opens('', '.'),
  },
  {
    name: 'something-something',
    files: () => ({
      ...clips,
      'labels.json': JSON.stringify({ 'Holding something': '0', Resting: '1' }),
      'train.json': JSON.stringify([
        { id: 'a', label: 'x', template: 'Holding [something]' },
        { id: 'b', template: 'Resting' },
      ]),
      'validation.json': JSON.stringify([{ id: 'c', template: 'Resting' }]),
    }),
    read: opens('', '.'),
  },
];

const msrVtt = {
  videos: ['train', 'validate', 'test'].map((split, i) => ({
    video_id: 'abc'[i],
    split,
    'start time': 1.5,
    'end time': 9,
  })),
  sentences: ['a', 'b', 'c'].map((video_id) => ({ video_id, caption: 'a dog runs', sen_id: 1 })),
};
const msvd = {
  images: ['a', 'b'].map((video_id) => ({
    video_id,
    split: 'train',
    sentences: [{ raw: 'a dog' }],
  })),
};

const withSentences: readonly Format[] = [
  {
    name: 'clip-captions',
    files: () => ({
      ...clips,
      'x.csv': 'video,caption,from,to\na.mp4,"A dog, two",0,1\nb.mp4,A,,\n',
    }),
    read: captioned('captions:', 'x.csv'),
  },
  {
    name: 'msr-vtt',
    files: () => ({ ...clips, 'x.json': JSON.stringify(msrVtt) }),
    read: captioned('msrvtt:', 'x.json,cut=no'),
  },
  {
    name: 'msvd-table',
    files: () => ({
      ...clips,
      'x.csv':
        'VideoID,Start,End,Language,Description\na,1,2,English,A dog\nb,1,2,English,"A, b"\n',
    }),
    read: captioned('msvd:', 'x.csv'),
  },
  {
    name: 'msvd-text',
    files: () => ({
      ...clips,
      'x.txt': 'a a dog\nb a cat\nc it\n',
      'youtube_mapping.txt': 'a vid1\nb vid1201\nc vid1301\n',
    }),
    read: captioned('msvd:', 'x.txt'),
  },
  {
    name: 'msvd-json',
    files: () => ({ ...clips, 'x.json': JSON.stringify(msvd) }),
    read: captioned('msvd:', 'x.json'),
  },
];

export const clipSetFormats: readonly Format[] = [...labelled, ...withSentences];
