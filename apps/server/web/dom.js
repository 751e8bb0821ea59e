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

// Tells a screen reader what happened elsewhere on the page.
export function announce(text) {
  setText(byId("live"), text);
}

export function prefersReducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
