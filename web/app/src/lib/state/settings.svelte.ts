// What this browser remembers about how the person likes it. Nothing here is secret.
import { language, type Language } from '$lib/i18n';
import { stayAwake } from '$lib/notify/awake';
import { layout } from './layout.svelte';

export type SendKey = 'mod-enter' | 'enter';
export type Theme = 'auto' | 'light' | 'dark' | 'contrast';
export const TEXT_SIZES = [100, 125, 150, 200] as const;
export type TextSize = (typeof TEXT_SIZES)[number];

export interface Settings {
  language: Language;
  sendKey: SendKey;
  textSize: TextSize;
  theme: Theme;
  wall: boolean;
  sound: boolean;
  notifications: boolean;
  unreadFirst: boolean;
}

const KEY = 'noroshi.settings';
const DEFAULTS: Settings = {
  language: 'ja',
  sendKey: 'mod-enter',
  textSize: 100,
  theme: 'auto',
  wall: false,
  sound: false,
  notifications: false,
  unreadFirst: false,
};
const WALL_FACTOR = 1.5;

function read(): Settings {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Settings>) };
  } catch {
    return { ...DEFAULTS };
  }
}

class SettingsState {
  current = $state<Settings>(read());
  #dark = globalThis.matchMedia?.('(prefers-color-scheme: dark)');

  constructor() {
    this.#dark?.addEventListener?.('change', () => this.apply());
    globalThis.addEventListener?.('storage', (event) => {
      if (event.key !== KEY) return;
      this.current = read();
      this.apply();
    });
  }

  set<K extends keyof Settings>(key: K, value: Settings[K]): void {
    this.current = { ...this.current, [key]: value };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.current));
    } catch {
      // Full or forbidden storage: the choice lasts as long as the page.
    }
    this.apply();
  }

  /** Puts language, colours and text size on the document. */
  apply(): void {
    const root = document.documentElement;
    const { theme, textSize, wall } = this.current;
    language.set(this.current.language);
    root.dataset['theme'] = theme === 'auto' ? (this.#dark?.matches ? 'dark' : 'light') : theme;
    root.dataset['wall'] = String(wall);
    root.style.setProperty('font-size', `${textSize * (wall ? WALL_FACTOR : 1)}%`);
    layout.measure();
    stayAwake(wall);
  }
}

export const settings = new SettingsState();
