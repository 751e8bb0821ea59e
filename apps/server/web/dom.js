// Small helpers for building the page. Text goes in as text nodes only, so nothing that comes from a server or a file
// name can become markup.

/** @typedef {Node | string | false | null | undefined} Child */

/**
 * element("button", {type: "button", class: "quiet", onclick: cancel}, "Cancel"). Properties that are false, null or
 * undefined are left out, as are such children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} properties
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") {
      node.addEventListener(name.replace(/^on/, ""), /** @type {EventListener} */ (value));
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children.flat()) {
    if (child) node.append(child);
  }
  return node;
}

/**
 * The element of the page with that id, which must be of that class.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind = /** @type {any} */ (HTMLElement)) {
  return instanceOf(document.getElementById(id), kind);
}

/**
 * The value, if it is of that class; anything else is a mistake in this page.
 * @template T
 * @param {unknown} value
 * @param {new () => T} kind
 * @returns {T}
 */
export function instanceOf(value, kind) {
  if (value instanceof kind) return value;
  throw new TypeError(`expected ${kind.name}, found ${value}`);
}

/** @param {HTMLCanvasElement} canvas */
export function contextOf(canvas) {
  return instanceOf(canvas.getContext("2d"), CanvasRenderingContext2D);
}

/**
 * Changes a text only when it differs: screen readers and text selections are not disturbed by equal updates.
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const announcementsLast = 10000;  // milliseconds

/**
 * Tells a screen reader what happened elsewhere on the page. Each announcement is a paragraph added to a log, and read
 * in its turn: none takes the place of another that is still to be read, and a repeated text is heard again.
 * @param {string} text
 */
export function announce(text) {
  const paragraph = element("p", {}, text);
  byId("live").append(paragraph);
  setTimeout(() => paragraph.remove(), announcementsLast);
}

/**
 * Disables a button during an action. Browsers take the focus from a disabled button; it comes back unless it has
 * moved.
 * @param {HTMLButtonElement} button
 * @param {() => unknown} action
 */
export async function whileDisabled(button, action) {
  const hadFocus = document.activeElement === button;
  /** @type {HTMLElement | null} */
  const region = button.closest("[tabindex='-1']");  // where the focus goes if the button is gone
  button.disabled = true;
  try {
    await action();
  } finally {
    button.disabled = false;
    const active = document.activeElement;  // in a dialog just closed, until the browser notices that it is gone
    const isNowhere = active === null || active === document.body || !active.checkVisibility();
    if (hadFocus && isNowhere) (button.checkVisibility() ? button : region)?.focus({preventScroll: true});
  }
}

export function prefersReducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
