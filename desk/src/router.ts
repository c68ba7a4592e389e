import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";
import { pages, type Role } from "@/pages";

declare module "vue-router" {
  interface RouteMeta {
    title?: string;
    roles?: readonly Role[];
  }
}

const routes: RouteRecordRaw[] = pages.map(({ path, name, title, roles, component }) => ({
  path,
  name,
  component,
  props: true,
  meta: { title, roles },
}));

/** The pages by their paths; whatever else was typed says that there is no such page. */
export const router = createRouter({
  history: createWebHistory(),
  routes: [...routes, { path: "/:rest(.*)*", component: () => import("@/pages/NotFoundPage.vue") }],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});
