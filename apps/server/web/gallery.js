// All jobs the server keeps, newest first; choosing one shows it.

import {byId, element, setText} from "./dom.js";
import {formatCount, formatPercent, formatTime, nameOf} from "./format.js";

export class Gallery {
  #store;
  #open;            // called with the job that was chosen
  #items = new Map();  // by job id: {item, button, picture, state}
  #current = null;

  constructor(store, open, report) {
    this.#store = store;
    this.#open = open;
    store.addEventListener("job", ({detail}) => this.#put(detail));
    store.addEventListener("deleted", ({detail}) => this.#remove(detail));
    byId("gallery-more").addEventListener("click", () => store.loadOlder().then(() => this.refreshButtons(), report));
    this.refreshButtons();
  }

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

  #put(job) {
    if (!this.#items.has(job.id)) this.#insert(job);
    const {button, picture, state} = this.#items.get(job.id);
    const source = job.state === "done" ? job.files.frames?.[0] ?? job.files.input : job.files.input;
    if (source && picture.getAttribute("src") !== source) picture.src = source;
    button.dataset.state = job.state;
    setText(state, describe(job));
  }

  #insert(job) {
    const picture = element("img", {alt: "", loading: "lazy", width: job.settings.width, height: job.settings.height});
    const state = element("span", {class: "gallery-state"});
    const {version, num_frames: frames} = job.settings;
    const about = `${version} · ${formatCount(frames, "frame")} · ${formatTime(job.created)}`;
    const open = () => this.#open(this.#store.get(job.id));
    const button = element("button", {type: "button", "data-job": job.id, onclick: open},
                           element("span", {class: "thumb"}, picture), state, element("span", {class: "hint"}, about));
    const item = element("li", {}, button);
    this.#items.set(job.id, {item, button, picture, state});
    // Before the first one that is older.
    const order = this.#store.all();
    const older = order[order.findIndex((each) => each.id === job.id) + 1];
    byId("gallery").insertBefore(item, this.#items.get(older?.id)?.item ?? null);
    this.mark(this.#current);
    this.refreshButtons();
  }

  #remove(id) {
    this.#items.get(id)?.item.remove();
    this.#items.delete(id);
    this.refreshButtons();
  }
}

function describe(job) {
  if (job.state === "running") return `${nameOf(job.progress.phase)} ${formatPercent(job.progress.fraction ?? 0)}`;
  if (job.state === "done") return `Seed ${job.seed ?? job.settings.seed}`;
  return nameOf(job.state);
}
