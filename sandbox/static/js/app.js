// Starts the page: loads what there is, listens to changes, mounts the parts.

import { mountBar } from "./bar.js";
import { toast } from "./dom.js";
import { mountStage } from "./stage.js";
import { listen, on } from "./state.js";
import { mountStory } from "./story.js";
import { T } from "./texts.js";

mountBar(document.getElementById("bar"));
mountStory(document.getElementById("story"));
mountStage(document.getElementById("stage"));
on("unloaded", (error) => toast(T.failed(error.message), "error"));
listen();
