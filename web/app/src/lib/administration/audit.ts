// Lines of the audit record as sentences for people, and what else they say.
import type { AuditEntry } from '$lib/api/administration-types';
import { t, textOf } from '$lib/i18n';
import { wordOf, words } from '$lib/i18n/administration';
import { officialDay } from '$lib/time/format';
import { fieldName } from './words';

/** Kinds that can be filtered for, in the order of the menu. */
export const AUDIT_KINDS: readonly string[] = [
  'log_in',
  'log_in_refused',
  'log_out',
  'sessions_ended',
  'console_unlocked',
  'console_refused',
  'passcode_refused',
  'forbidden',
  'user_suspended',
  'user_lifted',
  'device_suspended',
  'device_lifted',
  'device_requested',
  'device_request_declined',
  'device_code_issued',
  'device_enrolled',
  'person_added',
  'person_changed',
  'transfer_planned',
  'role_granted',
  'role_removed',
  'password_set',
  'post_changed',
  'post_ended',
  'import_read',
  'import_applied',
  'import_undone',
  'office_added',
  'office_changed',
  'node_invited',
  'invitation_cancelled',
  'node_joined',
  'node_revoked',
  'roaming_changed',
  'administrator_key_requested',
  'administrator_key_added',
  'administrator_key_ended',
  'policy_changed',
  'rules_changed',
  'content_erased',
  'page_renewed',
  'records_missing',
  'records_returned',
  'alarm',
  'backup_made',
  'bundle_exported',
  'bundle_imported',
];

/** Kinds of which nobody known is somebody, not the node. */
const BY_PEOPLE: ReadonlySet<string> = new Set(['log_in', 'log_in_refused', 'log_out', 'forbidden']);

export const auditKind = (kind: string): string => wordOf(`audit_${kind}`, kind);

export function auditSentence(entry: AuditEntry): string {
  const template = wordOf(`auditSay_${entry.kind}`, words.auditSay_unknown);
  return template.replace('{who}', who(entry)).replace('{object}', object(entry));
}

function who({ actor, kind }: AuditEntry): string {
  if (actor) return words.auditPersonName(actor.name || t.unknown);
  return BY_PEOPLE.has(kind) ? words.auditNobody : words.auditNodeItself;
}

function object({ object, detail }: AuditEntry): string {
  if (!object) return words.auditMany(Number(detail['count'] ?? 1));
  const name = object.name || t.unknown;
  switch (object.kind) {
    case 'user':
      return words.auditPersonName(name);
    case 'device':
      return words.auditDeviceOf(words.auditPersonName(object.user?.name || t.unknown), object.name);
    case 'office':
      return words.auditOfficeName(name);
    case 'node':
    case 'invitation':
      return words.auditNodeName(name);
    case 'post':
      return words.auditPostName(name);
    default:
      return name;
  }
}

export interface DetailLine {
  label: string;
  text: string;
}

/** What the sentence does not say. */
export function auditDetails({ kind, object, detail }: AuditEntry): DetailLine[] {
  const about = kind === 'alarm' && object ? [{ label: words.auditNodeItself, text: object.name }] : [];
  const said = Object.entries(detail)
    .filter(([key, value]) => !(key === 'name' && (object?.name === value || object?.kind === 'user')))
    .filter(
      ([key]) => !(key === 'count' && object === null && kind !== 'log_in_refused' && !BY_PEOPLE.has(kind)),
    )
    .map(([key, value]) => ({ label: label(kind, key), text: text(kind, key, value) }));
  return [...about, ...said];
}

/** A staff list counts what it did by kind. */
const label = (kind: string, key: string): string =>
  key === 'reason' && kind === 'forbidden'
    ? words.auditDetail_call
    : wordOf(`auditDetail_${key}`, wordOf(`audit_${key}`, key));

function text(kind: string, key: string, value: string): string {
  switch (key) {
    case 'reason':
      return kind === 'forbidden' ? value : wordOf(`auditReason_${value}`, value);
    case 'role':
    case 'roles':
      return value
        .split(',')
        .map((role) => textOf(`role_${role}`, role))
        .join(words.separator);
    case 'grounds':
      return t.eraseGround(value);
    case 'fields':
      return value.split(',').map(fieldName).join(words.separator);
    case 'effective_ms':
      return officialDay(Number(value));
    default:
      if (value === 'true') return words.auditYes;
      return value === 'false' ? words.auditNo : value;
  }
}
