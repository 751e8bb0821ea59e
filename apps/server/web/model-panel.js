// The state of the model in the server's memory, with the buttons that load and unload it.

import {api, asApiError} from "./api.js";
import {announce, byId, element, setText, whileDisabled} from "./dom.js";
import {formatBytes, formatPercent} from "./format.js";

/** @typedef {import("./api.js").Model} Model */

export class ModelPanel {
  #settings;
  #report;
  /** @type {Model | null} */
  #model = null;
  #state = element("p", {class: "model-state", id: "model-state"});
  #detail = element("p", {class: "hint", id: "model-detail"});
  #bar = element("progress", {max: 1, value: 0, "aria-label": "Loading the model"});
  #unloads = false;  // what the button does, else load
  #button = element("button", {type: "button", class: "small", id: "model-button", onclick: () => this.#act()});

  /**
   * @param {import("./settings-form.js").SettingsForm} settings
   * @param {(error: import("./api.js").ApiError) => void} report
   */
  constructor(settings, report) {
    this.#settings = settings;
    this.#report = report;
    byId("model").append(element("div", {class: "model-row"}, this.#state, this.#button), this.#bar, this.#detail);
    settings.addEventListener("change", () => this.#show());
  }

  /** @param {Model} model */
  update(model) {
    const before = this.#model?.state;
    this.#model = model;
    this.#show();
    if (before && before !== model.state) announce(`Model: ${this.#state.textContent}`);
  }

  // Whether the model that the form asks for is the one in memory.
  get #isWanted() {
    return this.#model?.version === this.#settings.version?.name;
  }

  #show() {
    const model = this.#model;
    if (!model) return;
    byId("model").dataset.state = model.state;
    this.#bar.hidden = model.state !== "loading";
    this.#button.disabled = false;
    switch (model.state) {
      case "loading":
        this.#bar.value = model.progress ?? 0;
        this.#say(`Loading ${model.version}`, [model.part, formatPercent(model.progress ?? 0)], "Unload");
        break;
      case "ready":
        this.#say(`${model.version} is ready`, [`${formatBytes(model.memory_bytes)} in memory`, model.device],
                  this.#isWanted ? "Unload" : "Load model");
        break;
      case "failed":
        this.#say("Could not be loaded", [model.error?.message], "Load model");
        break;
      default:
        this.#say("Not loaded", ["Sampling loads it by itself."], "Load model");
    }
  }

  /**
   * @param {string} state
   * @param {(string | null | undefined)[]} details
   * @param {"Load model" | "Unload"} action
   */
  #say(state, details, action) {
    setText(this.#state, state);
    setText(this.#detail, details.filter(Boolean).join(" · "));
    this.#unloads = action === "Unload";
    setText(this.#button, action);
  }

  async #act() {
    const unloads = this.#unloads;
    try {
      await whileDisabled(this.#button,
                          () => unloads ? api.unloadModel() : api.loadModel(this.#settings.version?.name));
    } catch (error) {
      this.#report(asApiError(error));
    }
  }
}
