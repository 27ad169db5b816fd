// The detail of an audit line as one line of text, whatever the node put there.
import { fieldName } from './words';

export function detailText(detail: unknown): string {
  if (detail === null || detail === undefined) return '';
  if (typeof detail === 'string' || typeof detail === 'number' || typeof detail === 'boolean')
    return String(detail);
  if (Array.isArray(detail)) return detail.map(detailText).filter(Boolean).join(', ');
  return Object.entries(detail as Record<string, unknown>)
    .map(([key, value]) => ({ key: fieldName(key), text: detailText(value) }))
    .filter(({ text }) => text !== '')
    .map(({ key, text }) => `${key}: ${text}`)
    .join(' · ');
}
