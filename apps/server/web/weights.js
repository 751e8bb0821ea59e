// What to do when the server has no weights for a version.

import {element} from "./dom.js";

/** @param {string} version */
function repositoryOf(version) {
  const xt = version.includes("_xt") ? "-xt" : "";
  return `stabilityai/stable-video-diffusion-img2vid${xt}${version.endsWith("_1_1") ? "-1-1" : ""}`;
}

/** @param {import("./api.js").Version} version */
export function howToGetWeights({name, checkpoint}) {
  const missing = element("p", {}, `The server has no weights for ${name}.`);
  if (name === "svd_demo") return [missing, element("p", {}, "They come with svd.cpp: install it again.")];
  const site = `huggingface.co/${repositoryOf(name)}`;
  const link = element("a", {href: `https://${site}`, target: "_blank", rel: "noopener noreferrer"}, site);
  return [
    missing,
    element("p", {}, `Download ${checkpoint} from `, link, " (accept the licence there first)."),
    element("p", {}, "Put it in the server's folder for checkpoints, then reload this page."),
  ];
}
