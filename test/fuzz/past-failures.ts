/** Damaged files on which a reader once failed: every run reads them first, and so does `npm test`. */

/** As the fuzz run writes a failure to its file. */
export interface PastFailure {
  readonly format: string;
  /** What went wrong. */
  readonly reason: string;
  /** Which of the format's files is damaged. */
  readonly path: string;
  /** That file, in base64. */
  readonly bytes: string;
}

export const pastFailures: readonly PastFailure[] = [
  {
    format: 'png-interlaced',
    reason: 'a header of 60000 x 16000 pixels of 64 bits had memory made for all of them',
    path: 'photo',
    bytes:
      'iVBORw0KGgoAAAANSUhEUgAA6mAAAD6AEAYAAAHujaVDAAAADElEQVR4nGNgoAwAAABAAAG3NHzvAAAAAElFTkSuQmCC',
  },
  {
    format: 'onnx',
    reason: 'the runtime’s own error, of weights (5) that do not fit the places (4, 4)',
    path: 'x.onnx',
    bytes:
      'CAg6iQEKDgoBeAoBdxIBeSIDTXVsChMKAXkSBGdyaWQiCElkZW50aXR5EgR0ZXN0Kh0IBRABQgF3ShQAAAAAAAAAAAAAAAAAAAAAAAAAAFocCgF4EhcKFQgBEhEKAxIBTgoCCAMKAggECgIIBGIfCgRncmlkEhcKFQgBEhEKAxIBTgoCCAMKAggECgIIBEICEA0=',
  },
  {
    format: 'onnx',
    reason: 'the runtime’s own error, of a photo (3, 4, 5) made into (3, 4, 4)',
    path: 'x.onnx',
    bytes:
      'CAg6hwEKFQoBeAoBcxIEZ3JpZCIHUmVzaGFwZRIEdGVzdCopCAQQB0IBc0ogAQAAAAAAAAADAAAAAAAAAAQAAAAAAAAABAAAAAAAAABaHAoBeBIXChUIARIRCgMSAU4KAggDCgIIBAoCCAViHwoEZ3JpZBIXChUIARIRCgMSAU4KAggDCgIIBAoCCARCAhAN',
  },
];
