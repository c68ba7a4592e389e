import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "@/api/schema";
import { heardTime } from "@/kit/clock";
import { texts } from "@/texts";

export type Schemas = components["schemas"];

const CSRF_COOKIE = "steward_csrf";
const SAFE = new Set(["GET", "HEAD"]);

/** What the API says when it refuses (RFC 9457), or that it could not be reached (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly fields: ReadonlyMap<string, string> = new Map(),
  ) {
    super(detail === "" ? title : `${title}。${detail}`);
    this.name = "Problem";
  }
}

/** Any error as a problem; one that is none of the API's is a fault of ours. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, "fault", texts.problems.fault, texts.problems.faultDo);
}

const listeners = new Set<() => void>();

/** Calls back whenever the API answers that nobody is logged in. */
export function onLoggedOut(listener: () => void): void {
  listeners.add(listener);
}

const middleware: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method)) request.headers.set("X-CSRF-Token", cookie(CSRF_COOKIE));
    return request;
  },
  async onResponse({ response }) {
    heardTime(response.headers.get("X-Steward-Time"));
    if (response.ok) return undefined;
    const problem = await problemOf(response);
    if (problem.status === 401 && problem.code !== "login_failed") listeners.forEach((listener) => listener());
    throw problem;
  },
  onError() {
    return new Problem(0, "unreachable", texts.problems.unreachable, texts.problems.unreachableDo);
  },
};

/** The API: every path and body is typed by its document. Failures throw `Problem`; see `take`. */
export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });
api.use(middleware);

/** The body of an answer. `middleware` has thrown already where there is none. */
export async function take<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Schemas["Problem"];
    const fields = (body.fields ?? []).map(({ field = "", message = "" }) => [field.replace(/^body\./, ""), message] as const); // prettier-ignore
    return new Problem(response.status, body.code, body.title, body.detail ?? "", new Map(fields));
  } catch {
    return new Problem(response.status, "fault", texts.problems.fault, texts.problems.faultDo);
  }
}

/** Whether somebody may be logged in: the session itself is out of a script's reach, the cookie beside it is not. */
export function hasSession(): boolean {
  return cookie(CSRF_COOKIE) !== "";
}

function cookie(name: string): string {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found === undefined ? "" : decodeURIComponent(found.slice(name.length + 1));
}
