// A finished job: the video, the files, the frames, and how it was made.

import {element, prefersReducedMotion} from "./dom.js";
import {formatDuration, nameOf, sortParameters} from "./format.js";

// `buttons`: what can be done with the job, shown beside the downloads.
export function jobResult(job, buttons) {
  return element("div", {class: "done"}, player(job), element("div", {class: "toolbar"}, downloads(job), buttons),
                 job.error ? element("p", {class: "error", id: "job-error"}, job.error.message) : null, savedTo(job),
                 frameGrid(job), facts(job));
}

function player(job) {
  const {width, height} = job.settings;
  const video = element("video", {
    id: "video",
    src: job.files.video,
    poster: job.files.frames?.[0],
    width,
    height,
    controls: true,
    loop: true,
    playsinline: true,
    autoplay: !prefersReducedMotion(),
    "aria-label": "The video",
  });
  video.muted = true;  // the attribute alone does not count for elements made by a script; no autoplay without it
  return element("div", {class: "screen"}, video);
}

function downloads(job) {
  const name = `svd-${job.id}`;
  const link = (url, suffix, text) =>
      url ? element("a", {class: "button small", href: url, download: `${name}${suffix}`}, text) : null;
  const archive = job.files.frames_tar ?? job.files.frames_zip;
  return element("div", {class: "buttons downloads", role: "group", "aria-label": "Download"},
                 link(job.files.video, ".mp4", "Video (mp4)"), link(job.files.grid, "-grid.png", "Grid (png)"),
                 link(archive, archive?.endsWith("zip") ? "-frames.zip" : "-frames.tar", "All frames"));
}

function frameGrid(job) {
  const {width, height} = job.settings;
  const frames = (job.files.frames ?? []).map((url, index) => {
    const image = element("img", {src: url, alt: `Frame ${index + 1}`, width, height, loading: "lazy"});
    return element("li", {}, element("a", {href: url, target: "_blank", rel: "noopener"}, image));
  });
  return element("ul", {class: "frames", id: "frames", "aria-label": "Frames"}, frames);
}

// Name and value of what the job was made with. Also for jobs that failed.
export function facts(job) {
  const s = job.settings;
  const took = job.started && job.finished ? (new Date(job.finished) - new Date(job.started)) / 1000 : null;
  const list = [
    ["Seed", job.seed ?? s.seed],
    ["Version", s.version],
    ["Size", `${s.width} × ${s.height}`],
    ["Frames", s.num_frames],
    ["Steps", s.num_steps],
    ["Frames per second", s.overwrite_fps && s.video_fps ? `${s.fps}, file ${s.video_fps}` : s.fps],
    ["Motion bucket", s.motion_bucket_id],
    ["Augmentation", s.cond_aug],
    ["Decoded at a time", s.decoding_t],
    ["Watermark", s.watermark ? "yes" : "no"],
    ["Took", took === null ? null : formatDuration(took)],
  ];
  return element("div", {class: "settings", id: "settings-used"},
                 element("dl", {}, list.filter(([, value]) => value !== undefined && value !== null).map(fact)),
                 element("dl", {class: "methods"}, methodFact("Sampler", s.sampler),
                         methodFact("Discretisation", s.discretization), methodFact("Guider", s.guider)));
}

function fact([name, value]) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, String(value)));
}

function methodFact(name, method) {
  if (!method?.name) return null;
  const {name: kind, ...values} = method;
  const parameters = sortParameters(values).filter(([, value]) => value !== null);
  return element("div", {}, element("dt", {}, name), element("dd", {}, nameOf(kind)),
                 parameters.map(([key, value]) => element("dd", {class: "hint"}, `${key} ${value}`)));
}

function savedTo(job) {
  if (!job.saved_to?.length) return null;
  return element("div", {class: "saved", id: "saved-to"}, element("p", {}, "Saved on the server:"),
                 element("ul", {}, job.saved_to.map((path) => element("li", {}, element("code", {}, path)))));
}
