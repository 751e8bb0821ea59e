// What there is to see of a job: its picture, then the video forming, then the video.

import {api} from "./api.js";
import {element, prefersReducedMotion, setText} from "./dom.js";
import {PreviewPlayer} from "./preview-player.js";
import {isFinal} from "./store.js";

/** @typedef {import("./api.js").Job} Job */

export class JobScreen {
  #player;
  #input;
  /** @type {HTMLVideoElement | null} */
  #video = null;
  #note = element("p", {class: "error", id: "screen-error", role: "alert", hidden: true});
  #screen;

  /** @param {Job} job */
  constructor(job) {
    this.#player = new PreviewPlayer(job.settings);
    this.#input = element("img", {class: "waiting", src: job.files.input, alt: "The picture to start from"});
    this.#input.addEventListener("error", () => this.#say("The picture of this job could not be loaded."));
    this.#input.addEventListener("load", () => this.#say(""));
    this.#screen = element("div", {class: "screen"}, this.#input, this.#player.element);
    this.update(job);
  }

  get elements() {
    return [this.#screen, this.#note];
  }

  /** @param {Job} job */
  update(job) {
    if (job.state === "running" && job.progress.preview > 0) this.#showPreview(api.previewUrl(job));
    if (isFinal(job)) this.stop();
    if (job.state === "done" && !this.#video) this.#showVideo(job);
  }

  // No more previews.
  stop() {
    this.#player.stop();
    this.#player.element.remove();
  }

  // Loads again what could not be loaded.
  retry() {
    if (this.#note.hidden) return;
    if (this.#video) {
      this.#video.load();
    } else {
      this.#input.src = this.#input.src;
    }
  }

  /** @param {string} url */
  async #showPreview(url) {
    const shown = await this.#player.show(url);
    if (shown !== null) this.#say(shown ? "" : "The preview could not be loaded. The job goes on.");
  }

  /** @param {Job} job */
  #showVideo(job) {
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
    video.addEventListener("error", () => this.#say("The video could not be loaded. Reload the page to try again."));
    video.addEventListener("loadeddata", () => this.#say(""));
    this.#video = video;
    this.#say("");
    this.#screen.replaceChildren(video);
  }

  /** @param {string} text */
  #say(text) {
    setText(this.#note, text);
    this.#note.hidden = text === "";
  }
}
