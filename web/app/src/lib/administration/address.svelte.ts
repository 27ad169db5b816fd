// The address of this node as devices of the staff reach it, for what is printed or scanned. A console on the machine of the
// node itself is opened by an address that means another machine to everybody else, so it can be corrected, once.
import { isLoopback, normalAddress } from './letters';

const KEY = 'noroshi.address';

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

class PrintedAddress {
  /** As typed. */
  text = $state(remembered() || location.origin);

  /** Null while what is typed is no address. */
  get address(): string | null {
    return normalAddress(this.text);
  }

  /** Opens on this machine alone. */
  get local(): boolean {
    return isLoopback(this.address ?? '');
  }

  set(text: string): void {
    this.text = text;
    try {
      if (this.address && this.address !== location.origin) localStorage.setItem(KEY, this.address);
      else localStorage.removeItem(KEY);
    } catch {
      // Then it is typed again next time.
    }
  }
}

export const printed = new PrintedAddress();
