// The sampler, the discretisation or the guider: which one, and those of its parameters that it has.

import {element, instanceOf} from "./dom.js";
import {nameOf, nameOfParameter} from "./format.js";

/**
 * @typedef {import("./api.js").MethodKind} MethodKind
 * @typedef {import("./api.js").Parameter} Parameter
 * @typedef {Record<string, string | number | null>} Values
 */

export class MethodFields {
  #group;
  #methods;
  #select;
  #fields;
  /** @type {Values} */
  #values = {};  // by parameter: kept when another method is tried in between

  /**
   * @param {HTMLFormElement} form
   * @param {"sampler" | "discretization" | "guider"} group
   * @param {MethodKind[]} methods
   */
  constructor(form, group, methods) {
    this.#group = group;
    this.#methods = methods;
    const set = `fieldset[data-method="${group}"]`;
    this.#select = instanceOf(form.querySelector(`${set} select`), HTMLSelectElement);
    this.#fields = instanceOf(form.querySelector(`${set} > .fields`), HTMLElement);
    this.#select.replaceChildren(
        ...methods.map((method) => element("option", {value: method.name}, nameOf(method.name))));
    this.#select.addEventListener("change", () => this.#show());
    this.#fields.addEventListener("input", () => Object.assign(this.#values, this.#typed()));
    this.#show();
  }

  /** @returns {import("./api.js").Method} */
  read() {
    return {name: this.#select.value, ...this.#typed()};
  }

  /**
   * What is not given stays.
   * @param {Values} values
   */
  write({name, ...values}) {
    if (this.#methods.some((method) => method.name === name)) this.#select.value = String(name);
    Object.assign(this.#values, values);
    this.#show();
  }

  #typed() {
    /** @type {Record<string, number>} */
    const values = {};
    for (const input of this.#fields.querySelectorAll("input")) {
      if (!Number.isNaN(input.valueAsNumber)) values[input.dataset.parameter ?? ""] = input.valueAsNumber;
    }
    return values;
  }

  #show() {
    const method = this.#methods.find((each) => each.name === this.#select.value);
    this.#fields.replaceChildren(...(method?.parameters ?? []).map((parameter) => this.#fieldOf(parameter)));
  }

  /** @param {Parameter} parameter */
  #fieldOf(parameter) {
    const id = `${this.#group}.${parameter.name}`;
    const input = element("input", {
      id,
      name: id,
      type: "number",
      inputmode: "decimal",
      step: parameter.integer ? 1 : "any",
      min: parameter.min,
      max: parameter.max,
      required: true,
      "data-parameter": parameter.name,
    });
    input.value = String(this.#values[parameter.name] ?? parameter.default);
    const label = element("label", {for: id}, nameOfParameter(parameter.name), " ",
                          element("code", {}, parameter.name));
    return element("div", {class: "field"}, label, input);
  }
}
