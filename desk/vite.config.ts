import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import { precompressed } from "./vite/precompressed.ts";

/** `npm run dev` serves the sources and passes the API through to a running server (STEWARD_PORT, default 8000). */
const server = `http://127.0.0.1:${process.env.STEWARD_PORT ?? "8000"}`;

export default defineConfig({
  plugins: [vue(), precompressed()],
  resolve: { alias: { "@": fileURLToPath(new URL("src", import.meta.url)) } },
  define: { __VUE_OPTIONS_API__: "true" },
  build: {
    target: "es2022",
    manifest: true,
    // The policy of the page forbids inlined data in places where a file does as well.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { "/api": server, "/p": server } },
});
