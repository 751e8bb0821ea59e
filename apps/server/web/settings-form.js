// The settings of a video: reading, writing and checking the form's controls. The names of the controls are the names
// of the settings; GET /api/v1/options gives their limits and defaults.

import {byId, element, instanceOf, setText} from "./dom.js";
import {clearFieldError, clearFieldErrors, problemOf, showFieldError} from "./field-errors.js";
import {MethodFields} from "./method-fields.js";
import {howToGetWeights} from "./weights.js";

/**
 * @typedef {import("./api.js").Limits} Limits
 * @typedef {import("./api.js").Options} Options
 * @typedef {import("./api.js").Settings} Settings
 * @typedef {import("./api.js").Version} Version
 */

const numbers = /** @type {const} */ (["height", "width", "num_frames", "num_steps", "seed", "fps", "motion_bucket_id",
                                       "cond_aug", "decoding_t", "num_samples", "video_fps"]);
const switches = /** @type {const} */ (["overwrite_fps", "watermark", "save_locally"]);

/**
 * The height and width that a version was trained on, where the server names them; else those of the published models.
 * @param {Version | null | undefined} version
 */
function sizeOf(version) {
  return {height: version?.height ?? 576, width: version?.width ?? 1024};
}

/**
 * Settings that work but that the models were not trained for, as the reference implementation warns of them.
 * @type {Record<string, (settings: Settings) => string>}
 */
const warnings = {
  fps: (s) => s.fps < 6 || s.fps > 31 ? "The model was trained on 6 to 31." : "",
  motion_bucket_id: (s) => s.motion_bucket_id > 255 ? "Above 255 may not look good." : "",
};

// Dispatches "change" when any setting changes, by the user or by write().
export class SettingsForm extends EventTarget {
  #form;
  #options;
  #methods;
  #savePathTyped = false;
  /** @type {Version | null} */
  #versionBefore = null;

  /**
   * @param {HTMLFormElement} form
   * @param {Options} options
   */
  constructor(form, options) {
    super();
    this.#form = form;
    this.#options = options;
    this.#methods = {
      sampler: new MethodFields(form, "sampler", options.samplers),
      discretization: new MethodFields(form, "discretization", options.discretizations),
      guider: new MethodFields(form, "guider", options.guiders),
    };
    this.#setLimits();
    this.#version.replaceChildren(...options.versions.map(
        (version) => element("option", {value: version.name},
                             version.available ? version.name : `${version.name} (no checkpoint)`)));
    this.#listen();
    this.reset();
  }

  get version() {
    return this.#options.versions.find((version) => version.name === this.#version.value);
  }

  // The server says that the version that is chosen has no weights (any more).
  weightsAreMissing() {
    const version = this.version;
    if (!version) return;
    version.available = false;
    this.#showWeights(version);
  }

  // The defaults; of a version that is there, if the server's own choice is not.
  reset() {
    this.write({...this.#options.defaults, save_path: undefined});
    const available = this.#options.versions.find((version) => version.available);
    if (this.version?.available || !available) return;
    this.#version.value = available.name;
    this.#applyVersion();
    this.#changed();
  }

  // As POST /api/v1/jobs takes them.
  read() {
    const settings = /** @type {Settings} */ ({version: this.#version.value});
    for (const name of numbers) settings[name] = this.#control(name).valueAsNumber;
    for (const name of switches) settings[name] = this.#control(name).checked;
    settings.sampler = this.#methods.sampler.read();
    settings.discretization = this.#methods.discretization.read();
    settings.guider = this.#methods.guider.read();
    if (!settings.overwrite_fps) delete settings.video_fps;
    if (settings.save_locally) settings.save_path = this.#control("save_path").value.trim();
    return settings;
  }

  /**
   * Settings that are not given become those of the version.
   * @param {Partial<Settings>} settings
   */
  write(settings) {
    if (settings.version) this.#version.value = settings.version;
    this.#applyVersion();
    for (const name of numbers) {
      const value = settings[name] ?? null;
      if (value !== null) this.#control(name).value = String(value);
    }
    for (const name of switches) {
      this.#control(name).checked = settings[name] ?? this.#control(name).checked;
    }
    if (settings.sampler) this.#methods.sampler.write(settings.sampler);
    if (settings.discretization) this.#methods.discretization.write(settings.discretization);
    if (settings.guider) this.#methods.guider.write(settings.guider);
    if (!settings.video_fps) this.#control("video_fps").value = this.#control("fps").value;
    this.#savePathTyped = Boolean(settings.save_path);
    if (settings.save_path) this.#control("save_path").value = settings.save_path;
    clearFieldErrors(this.#form);
    this.#changed();
  }

  // Shows what is wrong beside the fields; true if nothing is.
  check() {
    let fine = true;
    for (const control of this.#form.elements) {
      if (!isControl(control) || !control.name || control.type === "file" || control.closest("[hidden]")) continue;
      const problem = problemOf(control);
      if (problem && showFieldError(this.#form, control.name, problem)) fine = false;
    }
    return fine;
  }

  get #version() {
    return byId("version", HTMLSelectElement);
  }

  /** @param {string} name */
  #control(name) {
    return instanceOf(this.#form.elements.namedItem(name), HTMLInputElement);
  }

  #setLimits() {
    for (const name of numbers) {
      const limits = /** @type {Limits} */ (this.#options.limits[name === "video_fps" ? "fps" : name] ?? {});
      const control = this.#control(name);
      control.required = true;
      control.min = String(limits.min ?? "");
      control.max = String(limits.max ?? "");
      control.step = String(limits.step ?? (name === "cond_aug" ? "any" : 1));
    }
    this.#control("video_fps").min = "1";
    this.#control("save_path").required = true;
    // The server may allow no copies.
    fieldOf(this.#control("save_locally")).hidden = this.#options.save_locally === false;
    const {min, max} = this.#control("motion_bucket_id");
    Object.assign(byId("motion-slider"), {min: min || 0, max: max || 511});
  }

  #listen() {
    this.#form.addEventListener("input", (event) => {
      const control = event.target;
      if (!isControl(control)) return;
      if (control.name && control.type !== "file") clearFieldError(this.#form, control.name);
      if (control.id === "motion-slider") {
        this.#control("motion_bucket_id").value = control.value;
        clearFieldError(this.#form, "motion_bucket_id");
      }
      if (control.id === "save_path") this.#savePathTyped = true;
      if (control.id === "fps" && !this.#control("overwrite_fps").checked) {
        this.#control("video_fps").value = control.value;
      }
      this.#changed();
    });
    this.#version.addEventListener("change", () => {
      clearFieldError(this.#form, "version");
      this.#applyVersion();
      this.#changed();
    });
    // On leaving a field, not while a number is still being typed.
    this.#form.addEventListener("change", (event) => {
      const control = event.target;
      if (!isControl(control)) return;
      const problem = control.name && control.type !== "file" ? problemOf(control) : null;
      if (problem) showFieldError(this.#form, control.name, problem);
    });
    byId("seed-random").addEventListener("click", () => {
      this.#control("seed").value = String(crypto.getRandomValues(new Uint32Array(1))[0]);
      clearFieldError(this.#form, "seed");
      this.#changed();
    });
    byId("reset").addEventListener("click", () => this.reset());
  }

  // Frames, steps and guidance of the version that is chosen, and its size if that is another than before.
  #applyVersion() {
    const version = this.version;
    if (!version) return;
    const size = sizeOf(version);
    const sizeBefore = sizeOf(this.#versionBefore);
    for (const side of /** @type {const} */ (["height", "width"])) {
      if (size[side] !== sizeBefore[side]) this.#control(side).value = String(size[side]);
      this.#control(side).readOnly = version.own_size_only === true;
    }
    this.#versionBefore = version;
    this.#control("num_frames").value = String(version.num_frames);
    this.#control("num_steps").value = String(version.num_steps);
    this.#methods.guider.write({
      min_scale: version.min_guidance,
      max_scale: version.max_guidance,
      scale: version.max_guidance,
    });
    if (!this.#savePathTyped) {
      this.#control("save_path").value = this.#options.save_path.replace("{version}", version.name);
    }
    this.#showWeights(version);
    for (const name of ["num_frames", "num_steps"]) clearFieldError(this.#form, name);
  }

  /** @param {Version} version */
  #showWeights(version) {
    byId("version-hint").replaceChildren(...(version.available ? [] : howToGetWeights(version)));
  }

  #changed() {
    const settings = this.read();
    byId("motion-slider", HTMLInputElement).value = String(settings.motion_bucket_id);
    /** @type {NodeListOf<HTMLElement>} */
    const dependents = this.#form.querySelectorAll("[data-shown-by]");
    for (const dependent of dependents) {
      dependent.hidden = !this.#control(dependent.dataset.shownBy ?? "").checked;
    }
    const trained = sizeOf(this.version);
    byId("size-warning").hidden = settings.height === trained.height && settings.width === trained.width;
    setText(byId("size-warning"), `The model was trained on ${trained.height} × ${trained.width}.`);
    for (const [name, warn] of Object.entries(warnings)) this.#warn(name, warn(settings));
    this.dispatchEvent(new Event("change"));
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #warn(name, text) {
    const field = fieldOf(this.#control(name));
    const note = field.querySelector(".warning") ?? element("p", {class: "hint warning"});
    setText(note, text);
    if (text) {
      field.append(note);
    } else {
      note.remove();
    }
  }
}

/**
 * @param {unknown} value
 * @returns {value is import("./field-errors.js").Control}
 */
function isControl(value) {
  return value instanceof HTMLInputElement || value instanceof HTMLSelectElement;
}

/** @param {HTMLElement} control */
function fieldOf(control) {
  return instanceOf(control.closest(".field"), HTMLElement);
}
