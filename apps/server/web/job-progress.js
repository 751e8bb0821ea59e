// A job that waits or runs: its place in the queue, what it does, how far it is, how long it will take.

import {announce, element, setText} from "./dom.js";
import {formatDuration, formatPercent, formatSeconds, nameOf} from "./format.js";

/**
 * @typedef {import("./api.js").Job} Job
 * @typedef {import("./api.js").Progress} Progress
 */

const phases = ["loading", "encoding", "denoising", "decoding"];

export class JobProgress {
  #phases = new Map(phases.map((phase) => [phase, element("li", {}, nameOf(phase))]));
  #headline = element("p", {class: "headline", id: "progress-headline"});
  #bar = element("progress", {max: 1, "aria-labelledby": "progress-headline", id: "progress-bar"});
  #facts = {
    step: element("dd", {id: "progress-step"}),
    pace: element("dd", {id: "progress-pace"}),
    left: element("dd", {id: "progress-left"}),
  };
  #announced = "";
  element;

  /** @param {Job} job */
  constructor(job) {
    const facts = element("dl", {class: "facts"},
                          element("div", {}, element("dt", {}, "Step"), this.#facts.step),
                          element("div", {}, element("dt", {}, "Per step"), this.#facts.pace),
                          element("div", {}, element("dt", {}, "Phase ends in"), this.#facts.left));
    this.element = element("div", {class: "progress", id: "progress"}, this.#headline, this.#bar,
                           element("ol", {class: "phases"}, [...this.#phases.values()]), facts);
    this.update(job);
  }

  /** @param {Job} job */
  update(job) {
    const {progress} = job;
    const running = job.state === "running";
    const headline = running ? this.#headlineOf(progress) : waitingHeadline(job);
    setText(this.#headline, headline);
    if (running) {
      this.#bar.value = progress.fraction ?? 0;
    } else {
      this.#bar.removeAttribute("value");
    }
    this.#bar.classList.toggle("idle", !running);
    for (const [phase, item] of this.#phases) this.#mark(item, phase, running ? progress.phase : null);
    setText(this.#facts.step, progress.steps ? `${progress.step} of ${progress.steps}` : "–");
    setText(this.#facts.pace, progress.seconds_per_step ? formatSeconds(progress.seconds_per_step) : "–");
    setText(this.#facts.left, progress.seconds_left === null ? "–" : formatDuration(progress.seconds_left));
    this.#announce(running ? nameOf(progress.phase) : headline);
  }

  /** @param {Progress} progress */
  #headlineOf(progress) {
    return `${nameOf(progress.phase)} · ${formatPercent(progress.fraction ?? 0)}`;
  }

  /**
   * @param {HTMLElement} item
   * @param {string} phase
   * @param {string | null} current
   */
  #mark(item, phase, current) {
    const place = phases.indexOf(phase) - phases.indexOf(current ?? "");
    const state = current === null || place > 0 ? "ahead" : place < 0 ? "past" : "now";
    item.dataset.state = state;
    if (state === "now") {
      item.setAttribute("aria-current", "step");
    } else {
      item.removeAttribute("aria-current");
    }
  }

  /**
   * Phases, not percentages: a screen reader should not talk all the time.
   * @param {string} text
   */
  #announce(text) {
    if (text === this.#announced) return;
    this.#announced = text;
    announce(text);
  }
}

/** @param {Job} job */
function waitingHeadline(job) {
  return job.queue_place ? `Waiting · place ${job.queue_place} in the queue` : "Waiting";
}
