import type { Component } from "vue";
import type { Schemas } from "@/api/client";
import { texts } from "@/texts";

export type Role = Schemas["HeldRole"]["role"];
export type Section = keyof typeof texts.sections;

/** One page of the desk. */
export interface Page {
  /** Below the site's root; `:id` takes a segment as a property of the component. */
  path: string;
  name: string;
  title: string;
  /** Where it stands in the navigation; a page without one is reached from others. */
  section?: Section;
  /** Who may open it; an officer with any of these. The API decides anew on every call. */
  roles: readonly Role[];
  component: () => Promise<{ default: Component }>;
}

const { pages: titles } = texts;
const CASEWORK: readonly Role[] = ["steward", "instructor"];
const SYSTEM: readonly Role[] = ["system_administrator"];
const DECIDERS: readonly Role[] = ["system_administrator", "security_administrator"];
const CASE_READERS: readonly Role[] = ["steward", "instructor", "centre_officer"];
const ROSTER_READERS: readonly Role[] = [...CASE_READERS, "system_administrator"];
const REPORT_READERS: readonly Role[] = ["instructor", "centre_officer"];

/** Every page, in the order of the navigation. To add one: a line here and a title in `texts.ts`. */
export const pages: readonly Page[] = [
  { path: "/", name: "queue", title: titles.queue, section: "steward", roles: CASEWORK, component: () => import("@/pages/queue/QueuePage.vue") }, // prettier-ignore
  { path: "/inquiries/:id", name: "inquiry", title: titles.inquiry, roles: CASEWORK, component: () => import("@/pages/inquiry/InquiryPage.vue") }, // prettier-ignore
  { path: "/cases", name: "cases", title: titles.cases, section: "steward", roles: CASE_READERS, component: () => import("@/pages/cases/CasesPage.vue") }, // prettier-ignore
  { path: "/cases/:id", name: "case", title: titles.case, roles: CASE_READERS, component: () => import("@/pages/case/CasePage.vue") }, // prettier-ignore
  { path: "/calls", name: "calls", title: titles.calls, section: "steward", roles: CASE_READERS, component: () => import("@/pages/calls/CallsPage.vue") }, // prettier-ignore
  { path: "/calls/:id", name: "call", title: titles.call, roles: CASE_READERS, component: () => import("@/pages/calls/CallPage.vue") }, // prettier-ignore
  { path: "/handovers", name: "handovers", title: titles.handovers, section: "steward", roles: CASEWORK, component: () => import("@/pages/handover/HandoversPage.vue") }, // prettier-ignore
  { path: "/handovers/:id", name: "handover", title: titles.handover, roles: CASEWORK, component: () => import("@/pages/handover/HandoverPage.vue") }, // prettier-ignore
  { path: "/imports", name: "imports", title: titles.imports, section: "steward", roles: CASEWORK, component: () => import("@/pages/imports/ImportPage.vue") }, // prettier-ignore
  { path: "/roster", name: "roster", title: titles.roster, section: "steward", roles: ROSTER_READERS, component: () => import("@/pages/roster/RosterPage.vue") }, // prettier-ignore
  { path: "/figures", name: "figures", title: titles.figures, section: "instructor", roles: REPORT_READERS, component: () => import("@/pages/figures/FiguresPage.vue") }, // prettier-ignore
  { path: "/figures/rows", name: "figureRows", title: titles.figureRows, roles: REPORT_READERS, component: () => import("@/pages/figures/RowsPage.vue") }, // prettier-ignore
  { path: "/cases/:id/history", name: "case-history", title: titles.caseHistory, roles: CASE_READERS, component: () => import("@/pages/figures/CaseHistoryPage.vue") }, // prettier-ignore
  { path: "/inquiries/:id/history", name: "history", title: titles.history, roles: CASE_READERS, component: () => import("@/pages/figures/HistoryPage.vue") }, // prettier-ignore
  { path: "/figures/changes", name: "figureChanges", title: titles.figureChanges, section: "instructor", roles: REPORT_READERS, component: () => import("@/pages/figures/ChangesPage.vue") }, // prettier-ignore
  { path: "/figures/months", name: "months", title: titles.months, section: "instructor", roles: REPORT_READERS, component: () => import("@/pages/figures/MonthsPage.vue") }, // prettier-ignore
  { path: "/contests", name: "contests", title: titles.contests, section: "steward", roles: CASEWORK, component: () => import("@/pages/contests/ContestsPage.vue") }, // prettier-ignore
  { path: "/inspection", name: "inspection", title: titles.inspection, section: "inspector", roles: ["inspector"], component: () => import("@/pages/inspection/InspectionPage.vue") }, // prettier-ignore
  { path: "/changes", name: "changes", title: titles.changes, section: "administration", roles: DECIDERS, component: () => import("@/pages/administration/ChangesPage.vue") }, // prettier-ignore
  { path: "/holidays", name: "holidays", title: titles.holidays, section: "administration", roles: SYSTEM, component: () => import("@/pages/administration/HolidaysPage.vue") }, // prettier-ignore
  { path: "/duty-calendars", name: "calendars", title: titles.calendars, section: "administration", roles: SYSTEM, component: () => import("@/pages/administration/CalendarsPage.vue") }, // prettier-ignore
  { path: "/keys", name: "keys", title: titles.keys, section: "administration", roles: ["security_administrator"], component: () => import("@/pages/administration/KeysPage.vue") }, // prettier-ignore
  { path: "/promises", name: "promises", title: titles.promises, section: "administration", roles: SYSTEM, component: () => import("@/pages/administration/PromisesPage.vue") }, // prettier-ignore
  { path: "/rating-rules", name: "ratingRules", title: titles.ratingRules, section: "administration", roles: SYSTEM, component: () => import("@/pages/administration/RatingRulesPage.vue") }, // prettier-ignore
  { path: "/units", name: "units", title: titles.units, section: "administration", roles: SYSTEM, component: () => import("@/pages/administration/UnitsPage.vue") }, // prettier-ignore
  { path: "/officers", name: "officers", title: titles.officers, section: "administration", roles: DECIDERS, component: () => import("@/pages/administration/OfficersPage.vue") }, // prettier-ignore
  { path: "/canned-replies", name: "cannedReplies", title: titles.cannedReplies, section: "administration", roles: SYSTEM, component: () => import("@/pages/administration/CannedRepliesPage.vue") }, // prettier-ignore
  { path: "/message-templates", name: "templates", title: titles.templates, section: "administration", roles: SYSTEM, component: () => import("@/pages/administration/TemplatesPage.vue") }, // prettier-ignore
  { path: "/message-templates/:notice/:channel", name: "template", title: titles.template, roles: SYSTEM, component: () => import("@/pages/administration/TemplatePage.vue") }, // prettier-ignore
  { path: "/verification", name: "verification", title: titles.verification, section: "administration", roles: ["audit_administrator"], component: () => import("@/pages/administration/VerificationPage.vue") }, // prettier-ignore
];

/** Whether somebody with these roles may open the page. */
export function isOpenTo(page: Page, roles: readonly Role[]): boolean {
  return page.roles.some((role) => roles.includes(role));
}
