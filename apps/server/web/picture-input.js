// The picture to start from: by file chooser, by dropping it anywhere on the page, or by pasting it.

import {byId, element, setText} from "./dom.js";
import {centreCrop, drawCrop} from "./crop-preview.js";
import {formatBytes} from "./format.js";
import {clearFieldError, showFieldError} from "./field-errors.js";

const types = ["image/jpeg", "image/png", "image/webp"];

// Dispatches "change" when there is another picture, or none.
export class PictureInput extends EventTarget {
  #form;
  #maxBytes = Infinity;
  /** @type {File | null} */
  #offered = null;  // the file that was chosen last, while it is being decoded
  /** @type {File | null} */
  #file = null;
  /** @type {HTMLImageElement | null} */
  #image = null;  // decoded by the browser, for the previews
  #size = {width: 1024, height: 576};

  /** @param {HTMLFormElement} form */
  constructor(form) {
    super();
    this.#form = form;
    const chooser = byId("image", HTMLInputElement);
    chooser.addEventListener("change", () => {
      if (chooser.files?.[0]) this.set(chooser.files[0]);
      chooser.value = "";  // so that choosing the same file again counts as a change
    });
    byId("picture-clear").addEventListener("click", () => {
      this.clear();
      chooser.focus();
    });
    this.#listenForDrops();
    document.addEventListener("paste", (event) => {
      if (this.#offer(event.clipboardData)) event.preventDefault();
    });
  }

  get file() {
    return this.#file;
  }

  /** @param {number} bytes */
  limitBytes(bytes) {
    this.#maxBytes = bytes;
    setText(byId("upload-limit"), `, up to ${formatBytes(bytes)}`);
  }

  /**
   * Takes the file if it can be a picture; else says beside the field why not. Never throws.
   * @param {File} file
   */
  async set(file) {
    const problem = this.#problemWith(file);
    if (problem) {
      this.#refuse(problem);
      return;
    }
    this.#offered = file;
    const image = new Image();
    image.src = URL.createObjectURL(file);
    const readable = await image.decode().then(() => true, () => false);
    if (this.#offered !== file || !readable) URL.revokeObjectURL(image.src);
    if (this.#offered !== file) return;
    if (!readable) {
      this.#refuse(`${file.name} cannot be read as a picture: it is damaged or of another kind. ` +
                   "Choose a JPEG, PNG or WebP file.");
      return;
    }
    this.#release();
    this.#file = file;
    this.#image = image;
    clearFieldError(this.#form, "image");
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  clear() {
    this.#release();
    clearFieldError(this.#form, "image");
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  /**
   * Draws the crop for videos of that size.
   * @param {number} width
   * @param {number} height
   */
  setVideoSize(width, height) {
    this.#size = {width, height};
    this.#showCrop();
  }

  /** @param {File} file */
  #problemWith(file) {
    if (file.type !== "" && !types.includes(file.type)) {
      return `${file.name} is not a picture that can be used. Choose a JPEG, PNG or WebP file.`;
    }
    if (file.size === 0) return `${file.name} is empty.`;
    if (file.size > this.#maxBytes) {
      return `${file.name} has ${formatBytes(file.size)}; the server takes up to ${formatBytes(this.#maxBytes)}.`;
    }
    return null;
  }

  /** @param {string} message */
  #refuse(message) {
    showFieldError(this.#form, "image", message);
  }

  #release() {
    if (this.#image) URL.revokeObjectURL(this.#image.src);
    this.#image = null;
    this.#file = null;
    this.#offered = null;
  }

  #show() {
    const image = this.#image;
    byId("previews").hidden = !image;
    byId("picture-clear").hidden = !image;
    byId("drop").classList.toggle("compact", image !== null);
    setText(byId("drop-verb"), image ? "Choose another picture" : "Choose a picture");
    const preview = byId("picture-preview", HTMLImageElement);
    if (!image) {
      preview.removeAttribute("src");
      return;
    }
    preview.src = image.src;
    preview.alt = `The chosen picture, ${this.#file?.name}`;
    setText(byId("picture-size"), `${image.naturalWidth} × ${image.naturalHeight}`);
    this.#showCrop();
  }

  #showCrop() {
    if (!this.#image) return;
    const {naturalWidth, naturalHeight} = this.#image;
    const {width, height} = this.#size;
    const cut = centreCrop(naturalWidth, naturalHeight, width, height);
    drawCrop(byId("crop-preview", HTMLCanvasElement), this.#image, cut, width, height);
    const kept = (cut.width * cut.height) / (naturalWidth * naturalHeight);
    const share = kept > 0.995 ? "all of it" : `${Math.round(100 * kept)} % of it`;
    byId("crop-size").replaceChildren(`${width} × ${height}, `, element("span", {class: "nowrap"}, share));
  }

  #listenForDrops() {
    /** @param {DragEvent} event */
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    /** @param {boolean} on */
    const mark = (on) => byId("drop").classList.toggle("over", on);
    document.addEventListener("dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();  // else the browser would leave the page to show the file
      mark(true);
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) mark(false);
    });
    document.addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      mark(false);
      this.#offer(event.dataTransfer);
    });
  }

  /**
   * True if there was a file in what was dropped or pasted.
   * @param {DataTransfer | null} transfer
   */
  #offer(transfer) {
    const files = [...(transfer?.files ?? [])];
    if (files.length === 0) return false;
    this.set(files.find((file) => types.includes(file.type)) ?? files[0]);
    return true;
  }
}
