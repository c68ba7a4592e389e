// Lets `node --test` run our TypeScript and resolve "@/": Node 20 does neither by itself.
import { readFile } from "node:fs/promises";
import { register } from "node:module";
import typescript from "typescript";

const SOURCES = new URL("../src/", import.meta.url);

if (import.meta.url.endsWith("typescript.mjs")) register(`${import.meta.url}?hooks`);

export async function resolve(specifier, context, next) {
  if (!specifier.startsWith("@/")) return next(specifier, context);
  const path = /\.\w+$/.test(specifier) ? specifier.slice(2) : `${specifier.slice(2)}.ts`;
  return next(new URL(path, SOURCES).href, context);
}

export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  const { outputText } = typescript.transpileModule(await readFile(new URL(url), "utf8"), {
    compilerOptions: { module: typescript.ModuleKind.ESNext, target: typescript.ScriptTarget.ES2022 },
  });
  return { format: "module", source: outputText, shortCircuit: true };
}
