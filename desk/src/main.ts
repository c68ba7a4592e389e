import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { createApp } from "vue";
import App from "@/App.vue";
import { asProblem } from "@/api/client";
import { LiveLine } from "@/live";
import { router } from "@/router";
import "tdesign-vue-next/es/style/index.css";
import "@/styles/base.css";

const MORE_TRIES = 1;

/**
 * A read of a case is recorded, so nothing is read again by itself; the live line says when there is something new.
 * Lists that must be right without it set their own `refetchInterval`.
 */
const client = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      staleTime: 2_000,
      retry: (failures, error) => asProblem(error).status === 0 && failures < MORE_TRIES,
    },
  },
});

createApp(App, { line: new LiveLine(client) })
  .use(router)
  .use(VueQueryPlugin, { queryClient: client })
  .mount("#app");
