// The story as a timeline, and what a newcomer can try where there is none.

import { clockTime, h, icon } from "./dom.js";
import { on, state } from "./state.js";
import { T } from "./texts.js";

const ICONS = { passed: "check", failed: "close" };

export function mountStory(root) {
  const show = () => {
    const steps = [...state.story.values()].sort((a, b) => a.number - b.number);
    root.replaceChildren(...(steps.length ? timeline(steps) : introduction()));
    const current = [".try", ".step.running", ".step.passed, .step.failed"].map((each) => [...root.querySelectorAll(each)].pop());
    if (steps.length) (current[0] ?? current[1] ?? current[2])?.scrollIntoView({ block: "center" });
  };
  on("loaded", show);
  on("story", show);
}

function timeline(steps) {
  const passed = steps.filter((step) => step.state === "passed").length;
  const done = Math.round((100 * passed) / steps.length);
  const over = passed === steps.length;
  return [
    h("div", { class: "story-top" },
      h("div", { class: "story-head" }, h("h2", {}, T.storyTitle), h("span", { "aria-live": "polite" }, T.storyProgress(passed, steps.length))),
      h("div", { class: "progress", role: "progressbar", "aria-label": T.storyTitle, "aria-valuemin": 0, "aria-valuemax": steps.length, "aria-valuenow": passed },
        h("div", { style: `width: ${done}%` }))),
    h("ol", { class: "steps" }, steps.map(step)),
    ...(over ? ideas(T.overTitle, T.overSteps) : []),
  ];
}

function step({ number, title, state: status, detail, at }) {
  const mark = ICONS[status] ? icon(ICONS[status], 14) : String(number);
  return h("li", { class: `step ${status}` },
    h("span", { class: "step-mark", "aria-hidden": "true" }, mark),
    h("div", { class: "step-body" },
      h("div", { class: "step-title" }, h("strong", {}, title), h("time", {}, at && status !== "pending" ? clockTime(at) : "")),
      detail && h("p", {}, detail),
      h("span", { class: "step-state" }, T.storyStates[status])));
}

function introduction() {
  return [
    h("div", { class: "story-head" }, h("h2", {}, T.storyTitle)),
    h("div", { class: "story-empty" }, h("div", { class: "empty-icon" }, icon("book", 28)), h("h3", {}, T.storyEmptyTitle), h("p", {}, T.storyEmpty)),
    ...ideas(T.tryTitle, T.trySteps),
  ];
}

function ideas(heading, all) {
  return [
    h("h3", { class: "try-title" }, heading),
    h("ol", { class: "try" }, all.map(([title, text]) => h("li", {}, h("strong", {}, title), h("p", {}, text)))),
  ];
}
