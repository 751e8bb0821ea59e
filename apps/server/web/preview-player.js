// Shows the video forming: the server's preview is one picture with all frames, four in a row; this plays them.

import {contextOf, element, prefersReducedMotion} from "./dom.js";

const columnsOfGrid = 4;

/**
 * Where frame `index` lies in a grid picture of that size. A grid of fewer than four frames may be narrower.
 * @param {number} gridWidth
 * @param {number} gridHeight
 * @param {number} frames
 * @param {number} aspect  width / height of a frame
 * @param {number} index
 */
function cellOf(gridWidth, gridHeight, frames, aspect, index) {
  const height = gridHeight / Math.ceil(frames / columnsOfGrid);
  const columns = Math.max(1, Math.round(gridWidth / (height * aspect)));
  const width = gridWidth / columns;
  return {x: (index % columns) * width, y: Math.floor(index / columns) * height, width, height};
}

export class PreviewPlayer {
  #settings;
  /** @type {HTMLImageElement | null} */
  #grid = null;
  #timer = 0;
  #frame = 0;
  #url = "";
  element = element("canvas", {class: "forming", role: "img", "aria-label": "The video forming", hidden: true});

  /** @param {import("./api.js").Settings} settings */
  constructor(settings) {
    this.#settings = settings;
  }

  /**
   * Takes another preview picture; the one before plays until it is there. False if it could not be loaded, null if
   * that does not matter: it plays already, or another has come in between.
   * @param {string} url
   */
  async show(url) {
    if (url === this.#url) return null;
    this.#url = url;
    const grid = new Image();
    grid.src = url;
    const loaded = await grid.decode().then(() => true, () => false);
    if (url !== this.#url) return null;
    if (!loaded) return false;
    this.#grid = grid;
    this.element.hidden = false;
    this.#draw();
    if (this.#timer === 0 && !prefersReducedMotion()) {
      this.#timer = setInterval(() => this.#advance(), 1000 / Math.min(30, Math.max(1, this.#settings.fps)));
    }
    return true;
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#url = "";
  }

  #advance() {
    this.#frame = (this.#frame + 1) % this.#settings.num_frames;
    this.#draw();
  }

  #draw() {
    if (!this.#grid) return;
    const {num_frames: frames, width, height} = this.#settings;
    const {naturalWidth, naturalHeight} = this.#grid;
    const cell = cellOf(naturalWidth, naturalHeight, frames, width / height, this.#frame);
    const canvas = this.element;
    if (canvas.width !== Math.round(cell.width) || canvas.height !== Math.round(cell.height)) {
      canvas.width = Math.round(cell.width);
      canvas.height = Math.round(cell.height);
    }
    contextOf(canvas).drawImage(this.#grid, cell.x, cell.y, cell.width, cell.height, 0, 0, canvas.width, canvas.height);
  }
}
