import { computed, ref, watchEffect } from "vue";
import { texts } from "@/texts";

/** What the page is about, and how many wait for the officer: "(3) 待办 · 案管家" in the browser's tab. */
export const pageTitle = ref("");
export const waiting = ref(0);

const title = computed(() => {
  const count = waiting.value > 0 ? `(${waiting.value}) ` : "";
  return count + [pageTitle.value, texts.product].filter(Boolean).join(" · ");
});

watchEffect(() => {
  document.title = title.value;
});
