// Puts the page together: form, model, job in view, gallery, and the server's events that keep them true.

import {api} from "./api.js";
import {signIn} from "./dialogs.js";
import {announce, byId, prefersReducedMotion, setText} from "./dom.js";
import {followEvents} from "./events.js";
import {clearFieldErrors, focusFirstError, showFieldError} from "./field-errors.js";
import {formatCount, formatPercent} from "./format.js";
import {Gallery} from "./gallery.js";
import {JobView} from "./job-view.js";
import {ModelPanel} from "./model-panel.js";
import {PictureInput} from "./picture-input.js";
import {SettingsForm} from "./settings-form.js";
import {JobStore} from "./store.js";

class Page {
  #form = byId("form");
  #picture = new PictureInput(this.#form);
  #settings;
  #model;
  #store = new JobStore();
  #view = new JobView(this.#store, {open: (job) => this.#open(job), reuse: (job) => this.#reuse(job)});
  #gallery = new Gallery(this.#store, (job) => this.#show(job), (error) => this.#report(error));

  #reported = null;  // the error that #report shows

  constructor(options) {
    this.#settings = new SettingsForm(this.#form, options);
    this.#model = new ModelPanel(this.#settings, (error) => this.#report(error));
    // On a phone the result lies below the form, so the form starts short.
    if (matchMedia("(max-width: 900px)").matches) byId("video-settings").open = false;
    this.#picture.limitBytes(options.limits.upload_bytes);
    this.#settings.addEventListener("change", () => this.#settingsChanged());
    this.#settingsChanged();
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sample();
    });
    this.#store.addEventListener("job", () => this.#showTitle());
    addEventListener("hashchange", () => this.#showFromAddress());
  }

  follow() {
    followEvents(api.eventsUrl, {
      job: (job) => this.#store.put(job),
      deleted: ({id}) => this.#store.remove(id),
      model: (state) => this.#model.update(state),
      connected: () => this.#connected(),
      lost: () => this.#lost(),
    });
    byId("sample").disabled = false;
  }

  async #connected() {
    showConnection("live", "Connected");
    if (this.#reported?.status === 0) this.#report(null);
    this.#view.connected();
    try {
      await this.#store.refresh();
    } catch (error) {
      this.#report(error);
    }
    this.#gallery.refreshButtons();
    if (this.#view.id === null) this.#showFromAddress();
  }

  async #lost() {
    showConnection("lost", "Connection lost, trying again…");
    // Also when the server does not know this browser any more; EventSource does not say which.
    const error = await api.model().then(() => null, (reason) => reason);
    if (error?.status === 401 && !byId("sign-in").open) await signIn();
  }

  async #sample() {
    clearFieldErrors(this.#form);
    this.#report(null);
    const fine = this.#settings.check();
    if (!this.#picture.file) showFieldError(this.#form, "image", "Choose a picture first.");
    if (!fine || !this.#picture.file) {
      focusFirstError(this.#form);
      return;
    }
    const button = byId("sample");
    button.disabled = true;
    try {
      const jobs = await api.createJobs(this.#picture.file, this.#settings.read());
      for (const job of jobs) this.#store.put(job);
      this.#open(jobs[0]);
      announce(`${formatCount(jobs.length, "job")} accepted.`);
    } catch (error) {
      this.#report(error);
      focusFirstError(this.#form);
    }
    button.disabled = false;
  }

  // A job just made: shown, also on a phone, where the result lies below the form.
  #open(job) {
    this.#store.put(job);
    this.#show(this.#store.get(job.id));
  }

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
    const named = this.#store.get(new URLSearchParams(location.hash.slice(1)).get("job"));
    const job = named ?? jobs.find((each) => each.state === "running") ?? jobs[0];
    if (!job || job.id === this.#view.id) return;
    this.#view.show(job);
    this.#gallery.mark(job.id);
  }

  // Puts a job's settings, and its picture, into the form.
  async #reuse(job) {
    this.#settings.write({...job.settings, seed: job.seed ?? job.settings.seed});
    await this.#picture.set(await api.fetchFile(job.files.input, `picture of ${job.id}`));
    this.#form.scrollIntoView({behavior: prefersReducedMotion() ? "auto" : "smooth"});
    byId("sample").focus({preventScroll: true});
  }

  #settingsChanged() {
    const s = this.#settings.read();
    this.#picture.setVideoSize(s.width || 1, s.height || 1);
    const count = s.num_samples > 1 ? `${s.num_samples} × ` : "";
    setText(byId("action-summary"),
            [s.num_frames, s.width, s.height, s.num_steps].some(Number.isNaN)
                ? ""
                : `${count}${formatCount(s.num_frames, "frame")} of ${s.width} × ${s.height}, ` +
                  `${formatCount(s.num_steps, "step")}, seed ${s.seed}`);
  }

  // Beside the field that the error is about, else below the Sample button. null takes it away.
  #report(error) {
    this.#reported = error;
    const note = byId("form-error");
    const besideField = error !== null && showFieldError(this.#form, error.field, error.message);
    note.hidden = error === null || besideField;
    setText(note, note.hidden ? "" : error.message);
  }

  #showTitle() {
    const job = this.#store.all().find((each) => each.state === "running");
    const fraction = job ? `${formatPercent(job.progress.fraction ?? 0)} ${job.progress.phase} · ` : "";
    document.title = `${fraction}svd.cpp: picture to video`;
  }
}

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
    } catch (error) {
      if (error.status === 401) {
        await signIn();
      } else {
        showConnection("lost", error.message);
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
    }
  }
}

new Page(await fetchOptions()).follow();
