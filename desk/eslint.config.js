import eslint from "@eslint/js";
import prettier from "eslint-config-prettier";
import vue from "eslint-plugin-vue";
import globals from "globals";
import typescript from "typescript-eslint";

export default typescript.config(
  { ignores: ["dist", "node_modules", "src/api/schema.d.ts"] },
  eslint.configs.recommended,
  ...typescript.configs.strictTypeChecked,
  ...vue.configs["flat/recommended"],
  {
    languageOptions: {
      globals: globals.browser,
      parserOptions: {
        parser: typescript.parser,
        project: ["./tsconfig.json", "./tsconfig.tools.json"],
        extraFileExtensions: [".vue"],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // Vue makes a property with a default optional outside and defined inside; the rule knows plain objects only.
      "@typescript-eslint/no-useless-default-assignment": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "vue/block-order": ["error", { order: ["script", "template", "style"] }],
      "vue/component-api-style": ["error", ["script-setup"]],
      "vue/define-macros-order": "error",
      "vue/no-v-html": "error",
      "max-lines": ["error", { max: 400, skipBlankLines: false }],
    },
  },
  { files: ["**/*.vue", "**/*.ts"], rules: { "no-undef": "off" } },
  {
    files: ["*.js", "**/*.mjs"],
    ...typescript.configs.disableTypeChecked,
    languageOptions: { globals: globals.node, parserOptions: { project: null, program: null } },
  },
  prettier,
);
