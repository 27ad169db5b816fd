// What may be attached, checked before it is sent so that nobody learns of it by a failure. The node has the last word.

/** As the node allows, for one message. */
export const FILES_MAX = 10;
/** As the node allows, for one file. */
export const FILE_BYTES_MAX = 50 * 1024 * 1024;
/** What one person's messages that wait in this browser may hold together. */
export const WAITING_BYTES_MAX = 200 * 1024 * 1024;

/** What the camera and the gallery are asked for: telephones then hand over JPEG and not a format of their own. */
export const PICTURE_TYPES = 'image/jpeg,image/png,image/webp,image/gif';

/** Programs, which the node refuses by their name already. */
const PROGRAMS = new Set(
  'apk app bat bin cmd com cpl dll dmg exe hta iso jar js jse lnk msi msp pif ps1 reg scr sh sys vb vbe vbs wsf'.split(
    ' ',
  ),
);

export type Refusal = 'empty' | 'too_large' | 'program' | 'too_many' | 'device_full';

export interface Candidate {
  name: string;
  size: number;
}

/**
 * @param chosen how many are chosen for this message already
 * @param waitingBytes what waits in this browser, with what is chosen already
 */
export function refusalOf(file: Candidate, chosen: number, waitingBytes: number): Refusal | null {
  if (chosen >= FILES_MAX) return 'too_many';
  if (file.size === 0) return 'empty';
  if (file.size > FILE_BYTES_MAX) return 'too_large';
  if (PROGRAMS.has(extensionOf(file.name))) return 'program';
  if (waitingBytes + file.size > WAITING_BYTES_MAX) return 'device_full';
  return null;
}

export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
}

const PICTURES = new Set(PICTURE_TYPES.split(','));
export const isPicture = (mime: string): boolean => PICTURES.has(mime);

const UNITS = ['B', 'KB', 'MB', 'GB'] as const;

/** A size as people read it: 512 B, 1.2 MB. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  // 1,023.97 KB would read «1024 KB».
  if (unit > 0 && unit < UNITS.length - 1 && value >= 1023.5) return `1.0 ${UNITS[unit + 1]!}`;
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]!}`;
}

/** A name for what was pasted and has none of its own. */
export const nameOfPasted = (mime: string, at: Date): string => {
  const digits = (n: number) => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}${digits(at.getMonth() + 1)}${digits(at.getDate())}`;
  const time = `${digits(at.getHours())}${digits(at.getMinutes())}${digits(at.getSeconds())}`;
  const extension = mime === 'image/jpeg' ? 'jpg' : (mime.split('/')[1] ?? 'bin');
  return `${day}-${time}.${extension}`;
};

export type FileSort = 'picture' | 'pdf' | 'table' | 'text' | 'slides' | 'archive' | 'other';

const SORTS: Record<string, FileSort> = {
  pdf: 'pdf',
  xlsx: 'table',
  ods: 'table',
  csv: 'table',
  docx: 'text',
  odt: 'text',
  txt: 'text',
  pptx: 'slides',
  odp: 'slides',
  zip: 'archive',
};

export const sortOf = (name: string, mime: string): FileSort =>
  isPicture(mime) ? 'picture' : (SORTS[extensionOf(name)] ?? 'other');
