// A short sound made with Web Audio: no file, no network. Browsers allow it only after the person has touched the page.

let context: AudioContext | null = null;

function beep(audio: AudioContext, startS: number, frequencyHz: number, lengthS: number): void {
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.frequency.value = frequencyHz;
  gain.gain.setValueAtTime(0.0001, startS);
  gain.gain.exponentialRampToValueAtTime(0.2, startS + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, startS + lengthS);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(startS);
  oscillator.stop(startS + lengthS);
}

/** @param urgent three rising tones instead of two */
export async function play(urgent: boolean): Promise<void> {
  try {
    context ??= new AudioContext();
    if (context.state === 'suspended') await context.resume();
    const tones = urgent ? [880, 1108, 1318] : [659, 880];
    tones.forEach((tone, index) => beep(context!, context!.currentTime + index * 0.18, tone, 0.22));
  } catch {
    // No audio device, or not yet allowed: the title and the badge still tell.
  }
}
