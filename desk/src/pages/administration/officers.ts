import { useQuery } from "@tanstack/vue-query";
import { api, take, type Schemas } from "@/api/client";
import type { Role } from "@/pages";
import type { texts } from "@/texts";

export type Officer = Schemas["OfficerView"];
export type Deed = keyof typeof texts.officers.deeds;

/** What somebody with these roles may do about an officer. The API decides anew. */
export function deedsOf(officer: Officer, roles: readonly Role[]): Deed[] {
  const system: Deed[] = officer.active ? ["edit", "move", "deactivate"] : ["activate"];
  const security: Deed[] = officer.active ? ["roles", "code", "reset", "sessions"] : [];
  return [
    ...(roles.includes("system_administrator") ? system : []),
    ...(roles.includes("security_administrator") ? security : []),
  ];
}

/** What an officer would leave behind; of nobody, nothing. */
export function useOpenCases(officer: Officer | null) {
  const path = { officer_id: officer?.id ?? "" };
  return useQuery({
    queryKey: ["open-cases", path.officer_id],
    queryFn: () => take(api.GET("/api/v1/officers/{officer_id}/open-cases", { params: { path } })),
    enabled: officer !== null,
  });
}
