// The sampler, the discretisation or the guider: which one, and those of its parameters that it has.

import {element} from "./dom.js";
import {nameOf, nameOfParameter} from "./format.js";

export class MethodFields {
  #group;         // "sampler", "discretization" or "guider"
  #methods;       // [{name, parameters: [{name, default, min, max, integer}]}]
  #select;
  #fields;
  #values = {};   // by parameter: kept when another method is tried in between

  constructor(form, group, methods) {
    this.#group = group;
    this.#methods = methods;
    const set = form.querySelector(`fieldset[data-method="${group}"]`);
    this.#select = set.querySelector("select");
    this.#fields = set.querySelector(".fields");
    this.#select.replaceChildren(
        ...methods.map((method) => element("option", {value: method.name}, nameOf(method.name))));
    this.#select.addEventListener("change", () => this.#show());
    this.#fields.addEventListener("input", () => Object.assign(this.#values, this.#typed()));
    this.#show();
  }

  read() {
    return {name: this.#select.value, ...this.#typed()};
  }

  // Parameters that are not given keep their values.
  write({name, ...values}) {
    if (this.#methods.some((method) => method.name === name)) this.#select.value = name;
    Object.assign(this.#values, values);
    this.#show();
  }

  #typed() {
    const values = {};
    for (const input of this.#fields.querySelectorAll("input")) {
      if (!Number.isNaN(input.valueAsNumber)) values[input.dataset.parameter] = input.valueAsNumber;
    }
    return values;
  }

  #show() {
    const method = this.#methods.find((each) => each.name === this.#select.value);
    this.#fields.replaceChildren(...(method?.parameters ?? []).map((parameter) => this.#fieldOf(parameter)));
  }

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
    input.value = this.#values[parameter.name] ?? parameter.default;
    const label = element("label", {for: id}, nameOfParameter(parameter.name), " ",
                          element("code", {}, parameter.name));
    return element("div", {class: "field"}, label, input);
  }
}
