import { onScopeDispose, readonly, ref, type Ref } from "vue";
import { present } from "@/kit/clock";

const now = ref(present());
let users = 0;
let timer = 0;

/** The time in milliseconds, moving on every second while anybody on the page looks at it. */
export function useNow(): Readonly<Ref<number>> {
  if (users++ === 0) {
    now.value = present();
    timer = window.setInterval(() => (now.value = present()), 1000);
  }
  onScopeDispose(() => {
    if (--users === 0) window.clearInterval(timer);
  });
  return readonly(now);
}
