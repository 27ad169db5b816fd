// The stamps: what is sent is a word of the protocol, what is shown is a small drawing with its meaning in text. A stamp
// this version does not know is shown as its text.
import { textOf } from '$lib/i18n';

export type Tone = 'calm' | 'good' | 'busy' | 'alarm' | 'quiet';

export interface StampDrawing {
  tone: Tone;
  /** Outline on a 24 × 24 grid. */
  path: string;
}

export const stamps: Readonly<Record<string, StampDrawing>> = {
  ryokai: { tone: 'calm', path: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M7.5 12.5l3.2 3.2 6-6.7' },
  kakunin: {
    tone: 'calm',
    path: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 21 21M7.5 10.7l2.2 2.2 3.8-4.2',
  },
  taiouchu: {
    tone: 'busy',
    path: 'M20 12a8 8 0 0 1-14.5 4.6M4 12A8 8 0 0 1 18.5 7.4M18.5 3.5v4h-4M5.5 20.5v-4h4',
  },
  kanryo: { tone: 'good', path: 'M6 21V4M6 4.5h12l-2.5 4 2.5 4H6' },
  shikyu: { tone: 'alarm', path: 'M12 3 2 20.5h20zM12 10v5M12 17.6v.1' },
  buji: {
    tone: 'good',
    path: 'M12 3 4.5 6v5.5c0 4.5 3 7.7 7.5 9.5 4.5-1.8 7.5-5 7.5-9.5V6zM8.5 12l2.5 2.5 4.5-5',
  },
  mukau: { tone: 'busy', path: 'M3 12h13M11 6.5l5.5 5.5-5.5 5.5M20.5 5v14' },
  arigatou: {
    tone: 'calm',
    path: 'M12 20C6.5 16 3.5 12.8 3.5 9.3 3.5 6.8 5.4 5 7.7 5 9.5 5 11 6 12 7.7 13 6 14.5 5 16.3 5c2.3 0 4.2 1.8 4.2 4.3 0 3.5-3 6.7-8.5 10.7z',
  },
  ouen: { tone: 'alarm', path: 'M4 10v4h3l8 5V5l-8 5zM18 9a4 4 0 0 1 0 6M8 14l1 6h3' },
  muri: { tone: 'quiet', path: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.5 8.5l7 7M15.5 8.5l-7 7' },
};

export const stampKeys = Object.keys(stamps);

export const stampLabel = (stamp: string): string => textOf(`stamp_${stamp}`, stamp);
