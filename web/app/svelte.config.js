// No preprocessing: TypeScript in components is plain type syntax, which Svelte strips by itself.
export default {};
