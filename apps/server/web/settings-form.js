// The settings of a video: reading, writing and checking the form's controls. The names of the controls are the names
// of the settings; GET /api/v1/options gives their limits and defaults.

import {byId, element, setText} from "./dom.js";
import {clearFieldError, clearFieldErrors, problemOf, showFieldError} from "./field-errors.js";
import {MethodFields} from "./method-fields.js";

const numbers = ["height", "width", "num_frames", "num_steps", "seed", "fps", "motion_bucket_id", "cond_aug",
                 "decoding_t", "num_samples", "video_fps"];
const switches = ["overwrite_fps", "watermark", "save_locally"];

// The height and width that a version was trained on, where the server names them; else those of the published models.
function sizeOf(version) {
  return {height: version?.height ?? 576, width: version?.width ?? 1024};
}

// Settings that work but that the models were not trained for, as the reference implementation warns of them.
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
  #versionBefore = null;

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
    byId("version").replaceChildren(...options.versions.map(
        (version) => element("option", {value: version.name},
                             version.available ? version.name : `${version.name} (no checkpoint)`)));
    this.#listen();
    this.reset();
  }

  get version() {
    return this.#options.versions.find((version) => version.name === byId("version").value);
  }

  // The defaults; of a version that is there, if the server's own choice is not.
  reset() {
    this.write({...this.#options.defaults, save_path: undefined});
    const available = this.#options.versions.find((version) => version.available);
    if (this.version?.available || !available) return;
    byId("version").value = available.name;
    this.#applyVersion();
    this.#changed();
  }

  // As POST /api/v1/jobs takes them.
  read() {
    const settings = {version: byId("version").value};
    for (const name of numbers) settings[name] = this.#control(name).valueAsNumber;
    for (const name of switches) settings[name] = this.#control(name).checked;
    for (const [name, fields] of Object.entries(this.#methods)) settings[name] = fields.read();
    if (!settings.overwrite_fps) delete settings.video_fps;
    if (settings.save_locally) settings.save_path = byId("save_path").value.trim();
    return settings;
  }

  // Settings that are not given become those of the version.
  write(settings) {
    if (settings.version) byId("version").value = settings.version;
    this.#applyVersion();
    for (const name of numbers) {
      if (settings[name] !== undefined && settings[name] !== null) this.#control(name).value = settings[name];
    }
    for (const name of switches) {
      if (settings[name] !== undefined) this.#control(name).checked = settings[name];
    }
    for (const [name, fields] of Object.entries(this.#methods)) {
      if (settings[name]) fields.write(settings[name]);
    }
    if (!settings.video_fps) byId("video_fps").value = byId("fps").value;
    this.#savePathTyped = Boolean(settings.save_path);
    if (settings.save_path) byId("save_path").value = settings.save_path;
    clearFieldErrors(this.#form);
    this.#changed();
  }

  // Shows what is wrong beside the fields; true if nothing is.
  check() {
    let fine = true;
    for (const control of this.#form.elements) {
      if (!control.name || control.type === "file" || control.closest("[hidden]")) continue;
      const problem = problemOf(control);
      if (problem && showFieldError(this.#form, control.name, problem)) fine = false;
    }
    return fine;
  }

  #control(name) {
    return this.#form.elements.namedItem(name);
  }

  #setLimits() {
    for (const name of numbers) {
      const limits = this.#options.limits[name === "video_fps" ? "fps" : name] ?? {};
      const control = this.#control(name);
      control.required = true;
      control.min = limits.min ?? "";
      control.max = limits.max ?? "";
      control.step = limits.step ?? (name === "cond_aug" ? "any" : 1);
    }
    byId("video_fps").min = 1;
    byId("save_path").required = true;
    // The server may allow no copies.
    byId("save_locally").closest(".field").hidden = this.#options.save_locally === false;
    const {min, max} = this.#control("motion_bucket_id");
    Object.assign(byId("motion-slider"), {min: min || 0, max: max || 511});
  }

  #listen() {
    this.#form.addEventListener("input", (event) => {
      const control = event.target;
      if (control.name && control.type !== "file") clearFieldError(this.#form, control.name);
      if (control.id === "motion-slider") {
        this.#control("motion_bucket_id").value = control.value;
        clearFieldError(this.#form, "motion_bucket_id");
      }
      if (control.id === "save_path") this.#savePathTyped = true;
      if (control.id === "fps" && !byId("overwrite_fps").checked) byId("video_fps").value = control.value;
      this.#changed();
    });
    byId("version").addEventListener("change", () => {
      clearFieldError(this.#form, "version");
      this.#applyVersion();
      this.#changed();
    });
    // On leaving a field, not while a number is still being typed.
    this.#form.addEventListener("change", (event) => {
      const problem = event.target.name && event.target.type !== "file" ? problemOf(event.target) : null;
      if (problem) showFieldError(this.#form, event.target.name, problem);
    });
    byId("seed-random").addEventListener("click", () => {
      byId("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
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
    for (const side of ["height", "width"]) {
      if (size[side] !== sizeBefore[side]) byId(side).value = size[side];
      byId(side).readOnly = version.own_size_only === true;
    }
    this.#versionBefore = version;
    byId("num_frames").value = version.num_frames;
    byId("num_steps").value = version.num_steps;
    this.#methods.guider.write({
      min_scale: version.min_guidance,
      max_scale: version.max_guidance,
      scale: version.max_guidance,
    });
    if (!this.#savePathTyped) byId("save_path").value = this.#options.save_path.replace("{version}", version.name);
    setText(byId("version-hint"), version.available ? "" : version.problem ?? `${version.checkpoint} is not there.`);
    for (const name of ["num_frames", "num_steps"]) clearFieldError(this.#form, name);
  }

  #changed() {
    const settings = this.read();
    byId("motion-slider").value = settings.motion_bucket_id;
    for (const dependent of this.#form.querySelectorAll("[data-shown-by]")) {
      dependent.hidden = !byId(dependent.dataset.shownBy).checked;
    }
    const trained = sizeOf(this.version);
    byId("size-warning").hidden = settings.height === trained.height && settings.width === trained.width;
    setText(byId("size-warning"), `The model was trained on ${trained.height} × ${trained.width}.`);
    for (const [name, warn] of Object.entries(warnings)) this.#warn(name, warn(settings));
    this.dispatchEvent(new Event("change"));
  }

  #warn(name, text) {
    const field = this.#control(name).closest(".field");
    const note = field.querySelector(".warning") ?? element("p", {class: "hint warning"});
    setText(note, text);
    if (text) {
      field.append(note);
    } else {
      note.remove();
    }
  }
}
