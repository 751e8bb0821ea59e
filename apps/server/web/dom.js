// Small helpers for building the page. Text goes in as text nodes only, so nothing that comes from a server or a file
// name can become markup.

// element("button", {type: "button", class: "quiet", onclick: cancel}, "Cancel"). Properties that are false, null or
// undefined are left out, as are such children.
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) {
      node.addEventListener(name.slice(2), value);
    } else {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function byId(id) {
  return document.getElementById(id);
}

// Changes a text only when it differs: screen readers and text selections are not disturbed by equal updates.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let announcing = 0;

// Tells a screen reader what happened elsewhere on the page. Emptied first: only changes are read aloud, so a repeated
// text would not be heard.
export function announce(text) {
  const live = byId("live");
  live.textContent = "";
  clearTimeout(announcing);
  announcing = setTimeout(() => setText(live, text), 50);
}

// Disables a button during an action. Browsers take the focus from a disabled button; it comes back unless it has moved.
export async function whileDisabled(button, action) {
  const hadFocus = document.activeElement === button;
  button.disabled = true;
  try {
    await action();
  } finally {
    button.disabled = false;
    const active = document.activeElement;  // in a dialog just closed, until the browser notices that it is gone
    const isNowhere = active === null || active === document.body || !active.checkVisibility();
    if (hadFocus && button.isConnected && isNowhere) button.focus();
  }
}

export function prefersReducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
