// Kinds of offices, in the order in which they are offered.
import type { OfficeKind } from '$lib/api/administration-types';

export const OFFICE_KINDS: readonly OfficeKind[] = [
  'headquarters',
  'branch',
  'fire',
  'shelter',
  'health',
  'other',
];
