// Words for values the node sends: kinds of offices, fields of a person, states.
import type { Person } from '$lib/api/administration-types';
import { wordOf } from '$lib/i18n/administration';

export const officeKind = (kind: string): string => wordOf(`office_${kind}`, kind);
export const fieldName = (field: string): string => wordOf(`field_${field}`, field);
export const employmentName = (employment: string): string => wordOf(`employment_${employment}`, employment);

/** A value of a field as people say it. */
export const fieldValue = (field: string, value: string): string =>
  field === 'employment' ? employmentName(value) : value;

export type PersonStateName = 'active' | 'suspended' | 'ended' | 'coming';

export function personState(person: Person, nowMs: number): PersonStateName {
  if (person.suspended) return 'suspended';
  if (person.valid_until && Date.parse(person.valid_until) < nowMs) return 'ended';
  return person.valid_from && Date.parse(person.valid_from) > nowMs ? 'coming' : 'active';
}
