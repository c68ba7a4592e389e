import type { Schemas } from "@/api/client";

type Member = Schemas["MemberView"];

/** What an officer can do for a party and its membership. */
export type Deed =
  | "invite"
  | "receipt"
  | "approve"
  | "refuse"
  | "removeMember"
  | "doNotInvite"
  | "protect"
  | "changeProtection"
  | "removeParty";

export interface Deeds {
  member: Member | null;
  memberId: string;
  deeds: readonly Deed[];
}

const OF_STATE: Record<Member["state"], readonly Deed[]> = {
  not_invited: ["invite"],
  invited: ["receipt", "invite", "doNotInvite"],
  pending_approval: ["approve", "refuse"],
  joined: ["removeMember"],
  left: ["invite"],
  removed: ["invite"],
};

/** One row for each membership, and the party's own deeds on the last. */
export function deedsOf(party: Schemas["PartyView"], members: readonly Member[], mayAct: boolean): Deeds[] {
  const own: readonly Deed[] = [party.protected ? "changeProtection" : "protect", "removeParty"];
  const rows: Deeds[] = members.map((member) => ({ member, memberId: member.id, deeds: OF_STATE[member.state] }));
  if (members.length === 0) rows.push({ member: null, memberId: "", deeds: ["invite", "doNotInvite"] });
  return rows.map((row, index) => ({
    ...row,
    deeds: mayAct ? [...row.deeds, ...(index === rows.length - 1 ? own : [])] : [],
  }));
}
