/** stub */
import type { Clip } from '../../data/video/clip.js';
export function hardwiredMaps(_clip: Clip): Float32Array { throw new Error('stub'); }
