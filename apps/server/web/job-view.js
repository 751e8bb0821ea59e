// The job that is looked at: its progress or its result, and what can be done with it. What is on the screen is built
// once for each job and then changed in place: the focus, a selected text and the place scrolled to stay.

import {api, asApiError} from "./api.js";
import {announce, byId, element, setText, whileDisabled} from "./dom.js";
import {formatTime, nameOf} from "./format.js";
import {confirmDialog} from "./dialogs.js";
import {JobProgress} from "./job-progress.js";
import {downloads, facts, frameGrid, savedTo} from "./job-result.js";
import {JobScreen} from "./job-screen.js";
import {isFinal} from "./store.js";

/**
 * @typedef {import("./api.js").ApiError} ApiError
 * @typedef {import("./api.js").Job} Job
 *
 * @typedef {object} Actions
 * @property {(job: Job) => void} open
 * @property {(job: Job) => Promise<void>} reuse
 */

export class JobView {
  #place = byId("result");
  #store;
  #actions;
  /** @type {Job | null} */
  #job = null;
  /** @type {JobScreen | null} */
  #screen = null;
  /** @type {JobProgress | null} */
  #progress = null;  // while the job waits or runs
  #state = element("span", {class: "chip", id: "job-state"});
  #message = element("p", {id: "job-error"});
  #toolbar = element("div", {class: "toolbar"});
  #cancel = this.#button("Cancel", "job-cancel", (job) => this.#cancelJob(job));
  #afterwards = [
    this.#button("Run again", "job-repeat", (job) => this.#repeat(job, {})),
    this.#button("Run with another seed", "job-reseed", (job) => this.#repeat(job, {seed: randomSeed()})),
    this.#button("Use these settings", "job-reuse", (job) => this.#actions.reuse(job)),
    this.#button("Delete", "job-delete", (job) => this.#delete(job), "danger quiet"),
  ];
  #failure = element("p", {class: "error", id: "job-failure", role: "alert"});  // of an action on this job
  /** @type {ApiError | null} */
  #error = null;  // that it shows

  /**
   * @param {import("./store.js").JobStore} store
   * @param {Actions} actions
   */
  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
    store.onJob((job) => job.id === this.#job?.id && this.#update(job));
    store.onDeleted((id) => id === this.#job?.id && this.show(null));
    this.show(null);
  }

  get id() {
    return this.#job?.id ?? null;
  }

  /** @param {Job | null} job */
  show(job) {
    if (job && job.id === this.id) {
      this.#update(job);
      return;
    }
    this.#screen?.stop();
    this.#screen = null;
    this.#progress = null;
    this.#job = job;
    this.#showFailure(null);
    if (job) {
      this.#build(job);
    } else {
      this.#place.dataset.state = "empty";
      this.#place.replaceChildren(...emptyView());
    }
  }

  // The server answers again: what said that it does not is no longer true.
  connected() {
    if (this.#error?.status === 0) this.#showFailure(null);
    this.#screen?.retry();
  }

  /** @param {Job} job */
  #build(job) {
    this.#place.dataset.job = job.id;
    this.#screen = new JobScreen(job);
    this.#toolbar.replaceChildren(element("div", {class: "buttons"}, this.#cancel, ...this.#afterwards));
    const head = element("div", {class: "card-head"},
                         element("h2", {id: "result-title"}, `${job.settings.version}, ${formatTime(job.created)}`),
                         this.#state);
    this.#place.replaceChildren(head, ...this.#screen.elements, this.#message, this.#toolbar, this.#failure);
    if (isFinal(job)) {
      this.#addResult(job);
    } else {
      this.#progress = new JobProgress(job);
      this.#message.before(this.#progress.element);
    }
    this.#showState(job);
  }

  /** @param {Job} job */
  #update(job) {
    const ended = this.#progress !== null && isFinal(job);
    this.#job = job;
    this.#screen?.update(job);
    if (ended) {
      this.#progress?.element.remove();
      this.#progress = null;
      this.#addResult(job);
      announce(job.state === "done" ? "The video is ready." : `${nameOf(job.state)}.`);
    }
    this.#progress?.update(job);
    this.#showState(job);
  }

  /** @param {Job} job */
  #addResult(job) {
    if (job.state === "done") this.#toolbar.prepend(downloads(job));
    for (const part of job.state === "done" ? [savedTo(job), frameGrid(job), facts(job)] : [facts(job)]) {
      if (part) this.#place.append(part);
    }
  }

  /** @param {Job} job */
  #showState(job) {
    this.#place.dataset.state = job.state;
    this.#state.dataset.state = job.state;
    setText(this.#state, nameOf(job.state));
    setText(this.#message, messageOf(job));
    this.#message.hidden = this.#message.textContent === "";
    this.#message.className = job.state === "cancelled" ? "hint" : "error";
    const cancelHadFocus = document.activeElement === this.#cancel;
    this.#cancel.hidden = isFinal(job);
    for (const button of this.#afterwards) button.hidden = !isFinal(job);
    // Not to the next button: whoever is about to press Cancel must not press that.
    if (cancelHadFocus && this.#cancel.hidden) this.#place.focus({preventScroll: true});
  }

  /**
   * @param {string} text
   * @param {string} id
   * @param {(job: Job) => Promise<void>} action
   */
  #button(text, id, action, classes = "") {
    /** @type {HTMLButtonElement} */
    const button = element("button", {type: "button", class: `small ${classes}`, id, onclick: () => {
      if (this.#job) this.#run(button, this.#job, action);
    }}, text);
    return button;
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {Job} job
   * @param {(job: Job) => Promise<void>} action
   */
  async #run(button, job, action) {
    this.#showFailure(null);
    try {
      await whileDisabled(button, () => action(job));
    } catch (error) {
      if (job.id === this.id) this.#showFailure(asApiError(error));
    }
  }

  /** @param {ApiError | null} error */
  #showFailure(error) {
    this.#error = error;
    setText(this.#failure, error?.message ?? "");
    this.#failure.hidden = error === null;
  }

  /** @param {Job} job */
  async #cancelJob(job) {
    this.#store.put(await api.cancelJob(job.id));
  }

  /**
   * @param {Job} job
   * @param {Partial<import("./api.js").Settings>} changes
   */
  async #repeat(job, changes) {
    this.#actions.open(await api.repeatJob(job.id, changes));
  }

  /** @param {Job} job */
  async #delete(job) {
    const what = job.state === "done" ? "this video with its frames and settings" : "this job";
    if (!(await confirmDialog(`Delete ${what}? This cannot be undone. Files saved elsewhere stay.`))) return;
    await api.deleteJob(job.id);
    this.#store.remove(job.id);
    this.#place.focus();
  }
}

function randomSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

/** @param {Job} job */
function messageOf(job) {
  if (job.state === "failed") return job.error?.message ?? "The job failed.";
  if (job.state === "cancelled") return "This job was cancelled.";
  return job.error?.message ?? "";  // of a job that is done: why its copies were not saved
}

function emptyView() {
  return [
    element("h2", {id: "result-title"}, "Result"),
    element("div", {class: "screen empty"},
            element("p", {}, "Choose a picture, then press Sample."),
            element("p", {class: "hint"}, "The video appears here while it forms.")),
  ];
}
