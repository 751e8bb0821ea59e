// The two questions the page asks.

import {api, asApiError} from "./api.js";
import {byId} from "./dom.js";
import {clearFieldErrors, showFieldError} from "./field-errors.js";

/**
 * True if the user says yes. Escape is a no.
 * @param {string} question
 * @returns {Promise<boolean>}
 */
export function confirmDialog(question) {
  const dialog = byId("confirm", HTMLDialogElement);
  byId("confirm-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true});
  });
}

/**
 * Asks for the server's token until it is right. The server answers with a cookie, since <video> and EventSource cannot
 * send headers.
 * @returns {Promise<void>}
 */
export function signIn() {
  const dialog = byId("sign-in", HTMLDialogElement);
  const form = byId("sign-in-form", HTMLFormElement);
  const token = byId("token", HTMLInputElement);
  if (dialog.open) return Promise.resolve();
  const listening = new AbortController();
  dialog.addEventListener("cancel", (event) => event.preventDefault(), {signal: listening.signal});
  dialog.showModal();
  return new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await api.signIn(token.value);
      } catch (caught) {
        const error = asApiError(caught);
        showFieldError(form, "token", error.status === 401 ? "This is not the server's token." : error.message);
        token.select();
        return;
      }
      dialog.close();
    }, {signal: listening.signal});
    dialog.addEventListener("close", () => {
      listening.abort();
      form.reset();
      clearFieldErrors(form);
      resolve();
    }, {once: true});
  });
}

// The server knows this browser: another tab has signed in.
export function endSignIn() {
  byId("sign-in", HTMLDialogElement).close();
}
