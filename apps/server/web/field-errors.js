// Errors beside the field that they belong to.

import {element} from "./dom.js";

/** @typedef {HTMLInputElement | HTMLSelectElement} Control */

/**
 * The control of a setting: "fps", "sampler.s_churn".
 * @param {HTMLFormElement} form
 * @param {string} name
 */
function controlOf(form, name) {
  const control = form.elements.namedItem(name);
  return control instanceof HTMLElement ? control : null;
}

/** @param {HTMLElement} control */
function noteOf(control) {
  return control.closest(".field")?.querySelector(":scope > .error");
}

/**
 * Adds an id to those that describe the control, or takes it away; the hints' ids stay.
 * @param {HTMLElement} control
 * @param {string} id
 * @param {boolean} on
 */
function describe(control, id, on) {
  const ids = new Set((control.getAttribute("aria-describedby") ?? "").split(/\s+/).filter(Boolean));
  if (on) {
    ids.add(id);
  } else {
    ids.delete(id);
  }
  control.setAttribute("aria-describedby", [...ids].join(" "));
  if (ids.size === 0) control.removeAttribute("aria-describedby");
}

/**
 * False if the form has no such field; then the message belongs elsewhere.
 * @param {HTMLFormElement} form
 * @param {string | null} name
 * @param {string} message
 */
export function showFieldError(form, name, message) {
  const control = name ? controlOf(form, name) : null;
  const field = control?.closest(".field");
  if (!control || !field) return false;
  const note = noteOf(control) ?? element("p", {class: "error", id: `${name}-error`, role: "alert"});
  note.textContent = message;
  field.append(note);
  field.classList.add("wrong");
  control.setAttribute("aria-invalid", "true");
  describe(control, note.id, true);
  for (let group = field.closest("details"); group; group = group.parentElement?.closest("details") ?? null) {
    group.open = true;
  }
  return true;
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 */
export function clearFieldError(form, name) {
  const control = controlOf(form, name);
  if (!control) return;
  const note = noteOf(control);
  if (note) describe(control, note.id, false);
  note?.remove();
  control.closest(".field")?.classList.remove("wrong");
  control.removeAttribute("aria-invalid");
}

/** @param {HTMLFormElement} form */
export function clearFieldErrors(form) {
  for (const control of form.querySelectorAll("[aria-invalid]")) {
    clearFieldError(form, control.getAttribute("name") ?? "");
  }
}

/**
 * What is wrong with a control's value, in plain words; null if nothing is.
 * @param {Control} control
 */
export function problemOf(control) {
  const {validity} = control;
  if (validity.valid) return null;
  if (control instanceof HTMLSelectElement) return control.validationMessage;
  const {min, max, step} = control;
  if (validity.badInput || validity.valueMissing) return control.type === "number" ? "A number is needed." : "Needed.";
  if (validity.rangeUnderflow || validity.rangeOverflow) return `${rangeOf(min, max)}.`;
  if (validity.stepMismatch) return `A ${Number(step) === 1 ? "whole number" : `multiple of ${step}`} is needed.`;
  return control.validationMessage;
}

/**
 * @param {string} min
 * @param {string} max
 */
function rangeOf(min, max) {
  if (min !== "" && max !== "") return `From ${min} to ${max}`;
  return min !== "" ? `At least ${min}` : `At most ${max}`;
}

/**
 * Moves to the first field that has an error.
 * @param {HTMLFormElement} form
 */
export function focusFirstError(form) {
  /** @type {HTMLElement | null} */
  const control = form.querySelector("[aria-invalid]");
  control?.focus();
}
