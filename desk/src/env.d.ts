/// <reference types="vite/client" />

// For the linter, which reads TypeScript only; vue-tsc knows each component's own type.
declare module "*.vue" {
  import type { DefineComponent } from "vue";

  const component: DefineComponent<Record<string, never>, Record<string, never>, unknown>;
  export default component;
}
