/** Opens any set of captioned clips: by the name of its format, or by what lies in its folder. */
import { type SetFormat, SetFormats } from '../dataset-settings.js';
import type { ClipCaptionDataset } from './captioned-clips.js';
import { movingSceneSet } from './drawn-sets.js';
import { movingCaptionSettings, readMovingSettings } from './drawn-settings.js';

const FORMATS: Readonly<Record<string, SetFormat<ClipCaptionDataset, undefined>>> = {
  moving: {
    usage: 'moving:<count>[,dev=<count>][,test=<count>][,seed=0][,size=48][,frames=16]',
    explanation: 'drawn clips with sentences',
    open: async (rest, refuse) =>
      movingSceneSet(readMovingSettings(rest, refuse, movingCaptionSettings)),
  },
};
const formats = new SetFormats('A set of captioned clips', FORMATS, async () => undefined);
export const CAPTIONED_CLIP_FORMATS = formats.lines;
export async function openCaptionedClips(specification: string): Promise<ClipCaptionDataset> {
  return formats.open(specification, undefined);
}
