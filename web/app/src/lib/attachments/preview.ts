// What a picture looks like before the node has it: a small copy that is drawn at once and kept with the waiting message.

export interface Preview {
  width: number;
  height: number;
  /** A `data:` URL. */
  thumbnail: string;
}

const SIDE_PX = 320;
const QUALITY = 0.7;

/** Null for what this browser cannot draw; that says nothing about whether the node takes it. */
export async function previewOf(file: Blob): Promise<Preview | null> {
  if (!file.type.startsWith('image/') || typeof createImageBitmap === 'undefined') return null;
  try {
    const bitmap = await createImageBitmap(file);
    try {
      return draw(bitmap);
    } finally {
      bitmap.close();
    }
  } catch {
    return null;
  }
}

function draw(bitmap: ImageBitmap): Preview | null {
  const { width, height } = bitmap;
  const scale = Math.min(1, SIDE_PX / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d');
  if (!context) return null;
  // JPEG knows no transparency: what is clear becomes white and not black.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return { width, height, thumbnail: canvas.toDataURL('image/jpeg', QUALITY) };
}
