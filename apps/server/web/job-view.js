// The job that is looked at: its progress or its result, and what can be done with it.

import {api} from "./api.js";
import {announce, byId, element, setText, whileDisabled} from "./dom.js";
import {formatTime, nameOf} from "./format.js";
import {confirmDialog} from "./dialogs.js";
import {JobProgress} from "./job-progress.js";
import {facts, jobResult} from "./job-result.js";
import {isFinal} from "./store.js";

export class JobView {
  #place = byId("result");
  #store;
  #actions;          // {open(job), reuse(job), report(error)}
  #job = null;
  #progress = null;  // while the job waits or runs
  #failure = null;   // place of the message of an action on this job that failed
  #error = null;     // that it shows

  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
    store.addEventListener("job", ({detail}) => detail.id === this.#job?.id && this.#update(detail));
    store.addEventListener("deleted", ({detail}) => detail === this.#job?.id && this.show(null));
    this.show(null);
  }

  get id() {
    return this.#job?.id ?? null;
  }

  show(job) {
    this.#job = job;
    this.#build();
  }

  #update(job) {
    const before = this.#job;
    this.#job = job;
    if (this.#progress && !isFinal(job)) {
      this.#progress.update(job);
      this.#showState();
    } else if (before.state !== job.state || !isFinal(job)) {
      this.#build();
      announce(job.state === "done" ? "The video is ready." : `${nameOf(job.state)}.`);
    }
  }

  #build() {
    this.#progress?.stop();
    this.#progress = null;
    this.#error = null;
    this.#failure = element("p", {class: "error", role: "alert", hidden: true});
    const job = this.#job;
    this.#place.dataset.state = job?.state ?? "empty";
    if (!job) {
      this.#place.replaceChildren(...emptyView());
      return;
    }
    this.#place.dataset.job = job.id;
    this.#place.replaceChildren(this.#head(job), ...this.#body(job, this.#buttons(job)), this.#failure);
    this.#showState();
  }

  #head(job) {
    return element("div", {class: "card-head"},
                   element("h2", {id: "result-title"}, `${job.settings.version}, ${formatTime(job.created)}`),
                   element("span", {class: "chip", id: "job-state"}));
  }

  #showState() {
    const chip = byId("job-state");
    chip.dataset.state = this.#job.state;
    setText(chip, nameOf(this.#job.state));
    this.#place.dataset.state = this.#job.state;
  }

  #body(job, buttons) {
    if (job.state === "done") return [jobResult(job, buttons)];
    if (!isFinal(job)) {
      this.#progress = new JobProgress(job);
      return [this.#progress.element, buttons];
    }
    const message = job.state === "failed" ? job.error?.message ?? "The job failed." : "This job was cancelled.";
    return [
      element("div", {class: "screen"},
              element("img", {class: "waiting", src: job.files.input, alt: "The picture of this job"})),
      element("p", {class: job.state === "failed" ? "error" : "hint", id: "job-error"}, message),
      buttons,
      facts(job),
    ];
  }

  #buttons(job) {
    const button = (text, action, properties) =>
        element("button", {type: "button", class: "small", ...properties,
                           onclick: (event) => this.#run(event.currentTarget, action)}, text);
    if (!isFinal(job)) {
      return element("div", {class: "buttons"},
                     button("Cancel", async () => this.#store.put(await api.cancelJob(job.id)), {id: "job-cancel"}));
    }
    const another = () => crypto.getRandomValues(new Uint32Array(1))[0];
    return element(
        "div", {class: "buttons"},
        button("Run again", async () => this.#actions.open(await api.repeatJob(job.id)), {id: "job-repeat"}),
        button("Run with another seed", async () => this.#actions.open(await api.repeatJob(job.id, {seed: another()})),
               {id: "job-reseed"}),
        button("Use these settings", () => this.#actions.reuse(job), {id: "job-reuse"}),
        button("Delete", () => this.#delete(job), {id: "job-delete", class: "small danger quiet"}));
  }

  // The server answers again: what said that it does not is no longer true.
  connected() {
    if (this.#error?.status === 0) this.#showFailure(null);
  }

  #showFailure(error) {
    this.#error = error;
    setText(this.#failure, error?.message ?? "");
    this.#failure.hidden = error === null;
  }

  async #run(button, action) {
    this.#showFailure(null);
    try {
      await whileDisabled(button, action);
    } catch (error) {
      this.#showFailure(error);
    }
  }

  async #delete(job) {
    const what = job.state === "done" ? "this video with its frames and settings" : "this job";
    if (!(await confirmDialog(`Delete ${what}? This cannot be undone. Files saved elsewhere stay.`))) return;
    await api.deleteJob(job.id);
    this.#store.remove(job.id);
    this.#place.focus();
  }
}

function emptyView() {
  return [
    element("h2", {id: "result-title"}, "Result"),
    element("div", {class: "screen empty"},
            element("p", {}, "Choose a picture, then press Sample."),
            element("p", {class: "hint"}, "The video appears here while it forms.")),
  ];
}
