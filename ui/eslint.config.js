import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

const tauri = { group: ['@tauri-apps/*'], message: 'Only src/lib/ipc knows Tauri.' };
const bindings = { group: ['*/ipc/bindings', './bindings'], message: 'Import types only; ask through $lib/ipc.', allowTypeImports: true };

const utcDay = {
  selector: "CallExpression[callee.property.name='slice'][arguments.0.value=0][arguments.1.value=10]",
  message: 'A moment is written in UTC: its day is dayHere of $lib/format.',
};

export default ts.config(
  { ignores: ['build/', '.svelte-kit/', 'node_modules/', 'src/lib/ipc/bindings.ts'] },
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { extraFileExtensions: ['.svelte'], parser: ts.parser, svelteConfig } },
  },
  {
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [tauri, bindings] }],
      'svelte/no-inline-styles': 'error',
      'svelte/no-navigation-without-resolve': 'off',
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/lib/format/**', 'src/lib/ipc/sample*', 'src/lib/ipc/sample/**', 'src/**/*.test.ts'],
    rules: { 'no-restricted-syntax': ['error', utcDay] },
  },
  {
    files: ['src/features/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [tauri, bindings, { group: ['$features/*', '../*'], message: 'Features do not import each other.' }] },
      ],
    },
  },
  { files: ['src/lib/ipc/**'], rules: { '@typescript-eslint/no-restricted-imports': 'off' } },
);
