// A person as text fields, and back: only what was changed is sent, so that two administrators at two fields do not undo
// each other.
import type { Employment, Person, PersonBody } from '$lib/api/administration-types';
import { dayOf, endOfDay, startOfDay } from './dates';

export interface PersonFields {
  login: string;
  name: string;
  kana: string;
  office: string;
  section: string;
  post: string;
  number: string;
  section_code: string;
  email: string;
  phone: string;
  muster_class: string;
  muster_place: string;
  qualifications: string;
  employment: Employment;
  /** Days, `2026-04-01` or empty. */
  valid_from: string;
  valid_until: string;
}

export const EMPTY: PersonFields = {
  login: '',
  name: '',
  kana: '',
  office: '',
  section: '',
  post: '',
  number: '',
  section_code: '',
  email: '',
  phone: '',
  muster_class: '',
  muster_place: '',
  qualifications: '',
  employment: 'regular',
  valid_from: '',
  valid_until: '',
};

export const fieldsOf = (person: Person): PersonFields => ({
  login: person.login ?? '',
  name: person.name,
  kana: person.kana,
  office: person.office.id,
  section: person.section ?? '',
  post: person.post ?? '',
  number: person.number ?? '',
  section_code: person.section_code ?? '',
  email: person.email ?? '',
  phone: person.phone ?? '',
  muster_class: person.muster_class ?? '',
  muster_place: person.muster_place ?? '',
  qualifications: person.qualifications ?? '',
  employment: person.employment,
  valid_from: dayOf(person.valid_from),
  valid_until: dayOf(person.valid_until),
});

/** What differs from `before`. */
export function changes(before: PersonFields, after: PersonFields): PersonBody {
  const body: Record<string, string> = {};
  for (const field of Object.keys(EMPTY) as (keyof PersonFields)[]) {
    const value = after[field].trim();
    if (value === before[field].trim()) continue;
    if (field === 'valid_from') body[field] = startOfDay(value) ?? '';
    else if (field === 'valid_until') body[field] = endOfDay(value) ?? '';
    else body[field] = value;
  }
  return body;
}

export type FieldProblem = 'missing' | 'order';

/** What has to be filled in before the node is asked. */
export function problems(fields: PersonFields): Partial<Record<keyof PersonFields, FieldProblem>> {
  const found: Partial<Record<keyof PersonFields, FieldProblem>> = {};
  for (const field of ['login', 'name', 'kana', 'office'] as const)
    if (fields[field].trim() === '') found[field] = 'missing';
  if (fields.valid_from && fields.valid_until && fields.valid_until < fields.valid_from)
    found.valid_until = 'order';
  return found;
}
