// What a staff list would change, as rows of one table in the order of the file.
import { nameOf } from '$lib/api';
import type { ImportDiff } from '$lib/api/administration-types';

export type DiffKind = 'add' | 'change' | 'end';

export interface FieldChange {
  field: string;
  from: string;
  to: string;
}

export interface DiffRow {
  id: string;
  row: number;
  kind: DiffKind;
  name: string;
  fields: FieldChange[];
  /** From when on; null: at once. */
  effective: string | null;
}

export interface DiffCounts {
  add: number;
  change: number;
  end: number;
  same: number;
  absent: number;
}

/** Fields of a new person that are worth a line, in this order. */
const SHOWN = [
  'number',
  'kana',
  'office',
  'section',
  'post',
  'employment',
  'valid_from',
  'valid_until',
] as const;

export function diffRows(diff: ImportDiff): DiffRow[] {
  const rows: DiffRow[] = [
    ...diff.add.map(({ row, person }) => ({
      id: `add-${row}`,
      row,
      kind: 'add' as const,
      name: person.name ?? '',
      fields: SHOWN.flatMap((field) => {
        const value = person[field];
        const to = field === 'office' ? nameOf(person.office) : typeof value === 'string' ? value : '';
        return to === '' ? [] : [{ field, from: '', to }];
      }),
      effective: null,
    })),
    ...diff.change.map(({ row, user, fields, effective }) => ({
      id: `change-${row}`,
      row,
      kind: 'change' as const,
      name: user.name,
      fields: fields.map(({ field, from, to }) => ({ field, from: from ?? '', to: to ?? '' })),
      effective,
    })),
    ...diff.end.map(({ row, user, valid_until }) => ({
      id: `end-${row}`,
      row,
      kind: 'end' as const,
      name: user.name,
      fields: [],
      effective: valid_until,
    })),
  ];
  return rows.sort((a, b) => a.row - b.row || (a.id < b.id ? -1 : 1));
}

export const diffCounts = (diff: ImportDiff): DiffCounts => ({
  add: diff.add.length,
  change: diff.change.length,
  end: diff.end.length,
  same: diff.same,
  absent: diff.absent,
});

/** How many people the import touches: the number that has to be typed before it is applied. */
export const touched = (diff: ImportDiff): number => diff.add.length + diff.change.length + diff.end.length;
