import { ref, watchEffect } from "vue";

const KEY = "steward.elderly";

/** 适老化: larger type and higher contrast, remembered on this computer. */
export const elderly = ref(localStorage.getItem(KEY) === "1");

watchEffect(() => {
  document.documentElement.toggleAttribute("data-elderly", elderly.value);
  localStorage.setItem(KEY, elderly.value ? "1" : "0");
});
