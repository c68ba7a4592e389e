/** A file as the form that the API takes uploads in: spread it into the call. */
export function fileBody(file: File): { body: { file: string }; bodySerializer: () => FormData } {
  const form = new FormData();
  form.append("file", file);
  // The document calls a binary field a string; what is sent is the form.
  return { body: { file: "" }, bodySerializer: () => form };
}

/** Names one upload, so that repeating it keeps one file. Works on plain HTTP too, where `randomUUID` is missing. */
export function clientKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
