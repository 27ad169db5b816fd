// The typed client of the node's HTTP interface.
import { attachments } from './attachments';
import { devices } from './devices';
import { directory } from './directory';
import { messages } from './messages';
import { peers } from './peers';
import { rooms } from './rooms';
import { session } from './session';

export const api = { attachments, devices, directory, messages, peers, rooms, session };
export * from './errors';
export * from './types';
