// One door to the texts, so that callers write `import { t } from '$lib/i18n'`.
export { language, t, textOf } from './language.svelte';
export type { Language, MessageKey, Messages } from './types';
