// Logging in and out, who I am, and what this node is.
import { del, get, post } from './http';
import type { Login, Me, NodeInfo } from './types';

export interface Credentials {
  login: string;
  password: string;
  device_code?: string;
}

export const session = {
  logIn: (credentials: Credentials) => post<Login>('/session', credentials),
  logOut: () => del('/session'),
  me: () => get<Me>('/me'),
  node: () => get<NodeInfo>('/node'),
};
