// What a finished job shows below its video: downloads, frames, and how it was made.

import {element} from "./dom.js";
import {formatDuration, nameOf, sortParameters} from "./format.js";

/**
 * @typedef {import("./api.js").Job} Job
 * @typedef {import("./api.js").Method} Method
 */

/** @param {Job} job */
export function downloads(job) {
  /** @type {(url: string | undefined, suffix: string, text: string) => HTMLElement | null} */
  const link = (url, suffix, text) =>
      url ? element("a", {class: "button small", href: url, download: `svd-${job.id}${suffix}`}, text) : null;
  return element("div", {class: "buttons downloads", role: "group", "aria-label": "Download"},
                 link(job.files.video, ".mp4", "Video (mp4)"), link(job.files.grid, "-grid.png", "Grid (png)"),
                 link(job.files.frames_tar, "-frames.tar", "All frames"));
}

/** @param {Job} job */
export function frameGrid(job) {
  const {width, height} = job.settings;
  const frames = (job.files.frames ?? []).map((url, index) => {
    const image = element("img", {src: url, alt: `Frame ${index + 1}`, width, height, loading: "lazy"});
    return element("li", {}, element("a", {href: url, target: "_blank", rel: "noopener"}, image));
  });
  return element("ul", {class: "frames", id: "frames", "aria-label": "Frames"}, frames);
}

/**
 * Name and value of what the job was made with. Also for jobs that failed.
 * @param {Job} job
 */
export function facts(job) {
  const s = job.settings;
  const took = job.started && job.finished ? (Date.parse(job.finished) - Date.parse(job.started)) / 1000 : null;
  return element("div", {class: "settings", id: "settings-used"},
                 element("dl", {},
                         fact("Seed", job.seed),
                         fact("Version", s.version),
                         fact("Size", `${s.width} × ${s.height}`),
                         fact("Frames", s.num_frames),
                         fact("Steps", s.num_steps),
                         fact("Frames per second",
                              s.overwrite_fps && s.video_fps ? `${s.fps}, file ${s.video_fps}` : s.fps),
                         fact("Motion bucket", s.motion_bucket_id),
                         fact("Augmentation", s.cond_aug),
                         fact("Decoded at a time", s.decoding_t),
                         fact("Watermark", s.watermark ? "yes" : "no"),
                         took === null ? null : fact("Took", formatDuration(took))),
                 element("dl", {class: "methods"}, methodFact("Sampler", s.sampler),
                         methodFact("Discretisation", s.discretization), methodFact("Guider", s.guider)));
}

/**
 * @param {string} name
 * @param {string | number} value
 */
function fact(name, value) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, String(value)));
}

/**
 * @param {string} name
 * @param {Method} method
 */
function methodFact(name, {name: kind, ...values}) {
  const parameters = sortParameters(values).filter(([, value]) => value !== null);
  return element("div", {}, element("dt", {}, name), element("dd", {}, nameOf(kind)),
                 parameters.map(([key, value]) => element("dd", {class: "hint"}, `${key} ${value}`)));
}

/** @param {Job} job */
export function savedTo(job) {
  if (job.saved_to.length === 0) return null;
  return element("div", {class: "saved", id: "saved-to"}, element("p", {}, "Saved on the server:"),
                 element("ul", {}, job.saved_to.map((path) => element("li", {}, element("code", {}, path)))));
}
