// All jobs the server keeps, newest first; choosing one shows it.

import {asApiError} from "./api.js";
import {byId, element, setText} from "./dom.js";
import {formatCount, formatPercent, formatTime, nameOf} from "./format.js";

/**
 * @typedef {import("./api.js").Job} Job
 * @typedef {import("./store.js").JobStore} JobStore
 * @typedef {{item: HTMLElement, button: HTMLElement, picture: HTMLImageElement, state: HTMLElement}} Item
 */

export class Gallery {
  #store;
  #open;
  /** @type {Map<string, Item>} */
  #items = new Map();  // by job id
  /** @type {string | null} */
  #current = null;

  /**
   * @param {JobStore} store
   * @param {(job: Job) => void} open  called with the job that was chosen
   * @param {(error: import("./api.js").ApiError) => void} report
   */
  constructor(store, open, report) {
    this.#store = store;
    this.#open = open;
    store.onJob((job) => this.#put(job));
    store.onDeleted((id) => this.#remove(id));
    byId("gallery-more").addEventListener("click", async () => {
      try {
        await store.loadOlder();
      } catch (error) {
        report(asApiError(error));
      }
      this.refreshButtons();
    });
    this.refreshButtons();
  }

  /** @param {string | null} id */
  mark(id) {
    this.#current = id;
    for (const [each, {button}] of this.#items) {
      if (each === id) {
        button.setAttribute("aria-current", "true");
      } else {
        button.removeAttribute("aria-current");
      }
    }
  }

  refreshButtons() {
    byId("gallery-more").hidden = !this.#store.hasOlder;
    byId("gallery-empty").hidden = this.#items.size > 0;
  }

  /** @param {Job} job */
  #put(job) {
    const {button, picture, state} = this.#items.get(job.id) ?? this.#insert(job);
    const source = job.state === "done" ? job.files.frames?.[0] ?? job.files.input : job.files.input;
    if (source && picture.getAttribute("src") !== source) picture.src = source;
    button.dataset.state = job.state;
    setText(state, describe(job));
  }

  /** @param {Job} job */
  #insert(job) {
    const picture = element("img", {alt: "", loading: "lazy", width: job.settings.width, height: job.settings.height});
    picture.addEventListener("error", () => picture.classList.add("missing"));
    picture.addEventListener("load", () => picture.classList.remove("missing"));
    const state = element("span", {class: "gallery-state"});
    const {version, num_frames: frames} = job.settings;
    const about = `${version} · ${formatCount(frames, "frame")} · ${formatTime(job.created)}`;
    const open = () => this.#open(this.#store.get(job.id) ?? job);
    const button = element("button", {type: "button", "data-job": job.id, onclick: open},
                           element("span", {class: "thumb"}, picture), state, element("span", {class: "hint"}, about));
    const item = element("li", {}, button);
    const made = {item, button, picture, state};
    this.#items.set(job.id, made);
    // Before the first one that is older.
    const order = this.#store.all();
    const older = order[order.findIndex((each) => each.id === job.id) + 1];
    byId("gallery").insertBefore(item, (older && this.#items.get(older.id)?.item) ?? null);
    this.mark(this.#current);
    this.refreshButtons();
    return made;
  }

  /** @param {string} id */
  #remove(id) {
    this.#items.get(id)?.item.remove();
    this.#items.delete(id);
    this.refreshButtons();
  }
}

/** @param {Job} job */
function describe(job) {
  if (job.state === "running") return `${nameOf(job.progress.phase)} ${formatPercent(job.progress.fraction ?? 0)}`;
  if (job.state === "done") return `Seed ${job.seed ?? job.settings.seed}`;
  return nameOf(job.state);
}
