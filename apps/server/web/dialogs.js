// The two questions the page asks.

import {api} from "./api.js";
import {byId} from "./dom.js";
import {clearFieldErrors, showFieldError} from "./field-errors.js";

// True if the user says yes. Escape is a no.
export function confirmDialog(question) {
  const dialog = byId("confirm");
  byId("confirm-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true});
  });
}

// Asks for the server's token until it is right. The server answers with a cookie, since <video> and EventSource cannot
// send headers.
export function signIn() {
  const dialog = byId("sign-in");
  const form = byId("sign-in-form");
  const listening = new AbortController();
  dialog.addEventListener("cancel", (event) => event.preventDefault(), {signal: listening.signal});
  dialog.showModal();
  return new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await api.signIn(form.elements.token.value);
      } catch (error) {
        showFieldError(form, "token", error.status === 401 ? "This is not the server's token." : error.message);
        form.elements.token.select();
        return;
      }
      listening.abort();
      form.reset();
      clearFieldErrors(form);
      dialog.close();
      resolve();
    }, {signal: listening.signal});
  });
}
