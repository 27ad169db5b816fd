// Devices people log in with, and the requests for codes that enrol new ones.
import { del, get, post, query, seg } from './http';
import type { DeviceRequest, EnrolledDevice, Page } from './types';

export const devices = {
  page: (filter: { user?: string | undefined; cursor?: string | undefined } = {}) =>
    get<Page<EnrolledDevice>>(`/devices${query({ ...filter })}`),
  suspend: (device: string, reason: string) =>
    post<EnrolledDevice>(`/devices/${seg(device)}/suspension`, reason ? { reason } : {}),
  lift: (device: string) => del(`/devices/${seg(device)}/suspension`),
  /** Those I made; administrators see those they may answer too. */
  requests: (state?: DeviceRequest['state']) =>
    get<Page<DeviceRequest>>(`/device-requests${query({ state })}`),
  request: (user: string, reason: string) => post<unknown>('/device-requests', { user, reason }),
};
