// Logging in and out, who I am, and what this node is.
import { ApiError } from './errors';
import { del, get, post, put } from './http';
import type { Login, Me, NodeInfo, Rules } from './types';

export interface Credentials {
  login: string;
  password: string;
  device_code?: string;
  /** Raw public key of this device, base64url; goes with a device code. */
  device_key?: string;
  device_name?: string;
}

export const session = {
  logIn: (credentials: Credentials) => post<Login>('/session', credentials),
  logOut: () => del('/session'),
  me: () => get<Me>('/me'),
  node: () => get<NodeInfo>('/node'),
  lock: () => post<void>('/session/lock'),
  unlock: (passcode: string) => post<void>('/session/unlock', { passcode }),
  setPasscode: (passcode: string, current?: string) =>
    put<void>('/session/passcode', { passcode, ...(current === undefined ? {} : { current }) }),
  changePassword: (current: string, wanted: string) =>
    put<{ key_apart: boolean }>('/me/password', { current, new: wanted }),
  /** Null where no rules have been made. */
  rules: async (): Promise<Rules | null> => {
    try {
      return await get<Rules>('/rules');
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 404) return null;
      throw cause;
    }
  },
  acceptRules: (version: Rules['version']) => post<void>('/rules/acceptance', { version }),
};
