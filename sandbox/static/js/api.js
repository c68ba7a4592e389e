// The control API. A refusal becomes a toast and a thrown error.

import { toast } from "./dom.js";
import { T } from "./texts.js";

export async function call(method, path, body) {
  const response = await fetch(`/control${path}`, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({}));
  const detail = typeof problem.detail === "string" ? problem.detail : problem.detail?.[0]?.msg ?? response.statusText;
  toast(T.failed(detail), "error");
  throw new Error(detail);
}

export const get = (path) => call("GET", path);

/** Something a person does with a phone. */
export const act = (phone, action, body) => call("POST", `/phones/${encodeURIComponent(phone)}/${action}`, body ?? {});
