// Puts the page together: form, model, job in view, gallery, and the server's events that keep them true.

import {api, ApiError, asApiError} from "./api.js";
import {endSignIn, signIn} from "./dialogs.js";
import {announce, byId, prefersReducedMotion, setText, whileDisabled} from "./dom.js";
import {followEvents} from "./events.js";
import {clearFieldErrors, focusFirstError, showFieldError} from "./field-errors.js";
import {formatCount, formatPercent} from "./format.js";
import {Gallery} from "./gallery.js";
import {JobView} from "./job-view.js";
import {ModelPanel} from "./model-panel.js";
import {PictureInput} from "./picture-input.js";
import {SettingsForm} from "./settings-form.js";
import {JobStore} from "./store.js";

/** @typedef {import("./api.js").Job} Job */

class Page {
  #form = byId("form", HTMLFormElement);
  #picture = new PictureInput(this.#form);
  #settings;
  #model;
  #store = new JobStore();
  #view = new JobView(this.#store, {open: (job) => this.#open(job), reuse: (job) => this.#reuse(job)});
  #gallery = new Gallery(this.#store, (job) => this.#show(job), (error) => this.#report(error));
  /** @type {ApiError | null} */
  #reported = null;  // the error that #report shows

  /** @param {import("./api.js").Options} options */
  constructor(options) {
    this.#settings = new SettingsForm(this.#form, options);
    this.#model = new ModelPanel(this.#settings, (error) => this.#report(error));
    // On a phone the result lies below the form, so the form starts short.
    if (matchMedia("(max-width: 900px)").matches) byId("video-settings", HTMLDetailsElement).open = false;
    this.#picture.limitBytes(options.limits.upload_bytes);
    this.#settings.addEventListener("change", () => this.#settingsChanged());
    this.#settingsChanged();
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sample();
    });
    this.#store.onJob(() => this.#showTitle());
    addEventListener("hashchange", () => this.#showFromAddress());
  }

  follow() {
    followEvents(api.eventsUrl, {
      job: (job) => this.#store.put(job),
      deleted: ({id}) => this.#store.remove(id),
      model: (state) => this.#model.update(state),
      connected: () => this.#connected(),
      lost: () => this.#lost(),
      malformed: () => this.#report(new ApiError(-1, {
        message: "The server sent something that this page does not understand. Reload it to bring it up to date.",
      })),
    });
    byId("sample", HTMLButtonElement).disabled = false;
  }

  async #connected() {
    showConnection("live", "Connected");
    endSignIn();
    if (this.#reported?.status === 0) this.#report(null);
    this.#view.connected();
    try {
      await this.#store.refresh();
    } catch (error) {
      this.#report(asApiError(error));
    }
    this.#gallery.refreshButtons();
    if (this.#view.id === null) this.#showFromAddress();
  }

  async #lost() {
    showConnection("lost", "Connection lost, trying again…");
    // Also when the server does not know this browser any more; EventSource does not say which.
    const error = await api.model().then(() => null, asApiError);
    if (error?.status === 401) await signIn();
  }

  async #sample() {
    clearFieldErrors(this.#form);
    this.#report(null);
    const fine = this.#settings.check();
    const picture = this.#picture.file;
    if (!picture) showFieldError(this.#form, "image", "Choose a picture first.");
    if (!fine || !picture) {
      focusFirstError(this.#form);
      return;
    }
    try {
      await whileDisabled(byId("sample", HTMLButtonElement), async () => {
        const jobs = await api.createJobs(picture, this.#settings.read());
        for (const job of jobs) this.#store.put(job);
        this.#open(jobs[0]);
        announce(`${formatCount(jobs.length, "job")} accepted.`);
      });
    } catch (error) {
      this.#report(asApiError(error));
      focusFirstError(this.#form);
    }
  }

  /**
   * A job just made: shown, also on a phone, where the result lies below the form.
   * @param {Job} job
   */
  #open(job) {
    this.#store.put(job);
    this.#show(this.#store.get(job.id) ?? job);
  }

  /** @param {Job} job */
  #show(job) {
    history.replaceState(null, "", `#job=${job.id}`);
    this.#view.show(job);
    this.#gallery.mark(job.id);
    const place = byId("result");
    if (place.getBoundingClientRect().top < 0 || place.getBoundingClientRect().top > innerHeight / 2) {
      place.scrollIntoView({behavior: prefersReducedMotion() ? "auto" : "smooth"});
    }
  }

  // The job that the address names (a reload or a bookmark), else one that runs, else the newest.
  #showFromAddress() {
    const jobs = this.#store.all();
    const named = this.#store.get(new URLSearchParams(location.hash.slice(1)).get("job") ?? "");
    const job = named ?? jobs.find((each) => each.state === "running") ?? jobs[0];
    if (!job || job.id === this.#view.id) return;
    this.#view.show(job);
    this.#gallery.mark(job.id);
  }

  /**
   * Puts a job's settings, and its picture, into the form.
   * @param {Job} job
   */
  async #reuse(job) {
    this.#settings.write({...job.settings, seed: job.seed});
    let picture;
    try {
      picture = await api.fetchFile(job.files.input, `picture of ${job.id}`);
    } catch (caught) {
      const {status, code, message} = asApiError(caught);
      throw new ApiError(status, {code, message: `The settings are in the form, but not the picture. ${message}`});
    }
    await this.#picture.set(picture);
    this.#form.scrollIntoView({behavior: prefersReducedMotion() ? "auto" : "smooth"});
    byId("sample").focus({preventScroll: true});
  }

  #settingsChanged() {
    const s = this.#settings.read();
    this.#picture.setVideoSize(s.width || 1, s.height || 1);
    const samples = s.num_samples ?? 1;
    const count = samples > 1 ? `${samples} × ` : "";
    setText(byId("action-summary"),
            [s.num_frames, s.width, s.height, s.num_steps].some(Number.isNaN)
                ? ""
                : `${count}${formatCount(s.num_frames, "frame")} of ${s.width} × ${s.height}, ` +
                  `${formatCount(s.num_steps, "step")}, seed ${s.seed}`);
  }

  /**
   * Beside the field that the error is about, else below the Sample button. null takes it away.
   * @param {ApiError | null} error
   */
  #report(error) {
    if (error?.code === "no_checkpoint") {
      // The server's text speaks to whoever started it, of options and folders; the form says how to get the weights.
      this.#settings.weightsAreMissing();
      error.message = `There are no weights for ${this.#settings.version?.name}. Choose another version, or add them.`;
    }
    this.#reported = error;
    const note = byId("form-error");
    const besideField = error !== null && showFieldError(this.#form, error.field, error.message);
    note.hidden = error === null || besideField;
    setText(note, besideField ? "" : error?.message ?? "");
  }

  #showTitle() {
    const job = this.#store.all().find((each) => each.state === "running");
    const fraction = job ? `${formatPercent(job.progress.fraction ?? 0)} ${job.progress.phase} · ` : "";
    document.title = `${fraction}svd.cpp: picture to video`;
  }
}

/**
 * @param {"live" | "lost"} state
 * @param {string} text
 */
function showConnection(state, text) {
  const place = byId("connection");
  place.dataset.state = state;
  setText(place, text);
}

// The server may be starting, or ask for its token first.
async function fetchOptions() {
  for (;;) {
    try {
      return await api.options();
    } catch (caught) {
      const error = asApiError(caught);
      if (error.status === 401) {
        await signIn();
      } else {
        showConnection("lost", error.message);
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
    }
  }
}

const options = await fetchOptions();
try {
  new Page(options).follow();
} catch (error) {
  console.error(error);
  showConnection("lost", "This page does not fit the server's answers. Reload it.");
}
