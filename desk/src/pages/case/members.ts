import type { Schemas } from "@/api/client";
import { texts } from "@/texts";

/** A member in a few words: masked names look alike, so side and roles stand beside them. */
export function memberName(member: Schemas["Reached"]): string {
  const roles = member.roles.map((role) => texts.partyRoles[role]).join("、");
  return texts.composer.members.member(member.name, texts.sides[member.side], roles);
}
