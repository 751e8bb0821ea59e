// Shows the video forming: the server's preview is one picture with all frames, four in a row; this plays them.

import {element, prefersReducedMotion} from "./dom.js";

const columnsOfGrid = 4;

// Where frame `index` lies in a grid picture of that size. A grid of fewer than four frames may be narrower.
function cellOf(gridWidth, gridHeight, frames, aspect, index) {
  const height = gridHeight / Math.ceil(frames / columnsOfGrid);
  const columns = Math.max(1, Math.round(gridWidth / (height * aspect)));
  const width = gridWidth / columns;
  return {x: (index % columns) * width, y: Math.floor(index / columns) * height, width, height};
}

export class PreviewPlayer {
  #settings;
  #grid = null;
  #timer = 0;
  #frame = 0;
  #url = "";
  element = element("canvas", {class: "forming", role: "img", "aria-label": "The video forming", hidden: true});

  constructor(settings) {
    this.#settings = settings;
  }

  // Takes another preview picture; the one before plays until it is there.
  async show(url) {
    if (url === this.#url) return;
    this.#url = url;
    const grid = new Image();
    grid.src = url;
    try {
      await grid.decode();
    } catch {
      return;  // it may just have been replaced; the next event brings another address
    }
    if (url !== this.#url) return;
    this.#grid = grid;
    this.element.hidden = false;
    this.#draw();
    if (this.#timer === 0 && !prefersReducedMotion()) {
      this.#timer = setInterval(() => this.#advance(), 1000 / Math.min(30, Math.max(1, this.#settings.fps)));
    }
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
    const {num_frames: frames, width, height} = this.#settings;
    const {naturalWidth, naturalHeight} = this.#grid;
    const cell = cellOf(naturalWidth, naturalHeight, frames, width / height, this.#frame);
    const canvas = this.element;
    if (canvas.width !== Math.round(cell.width) || canvas.height !== Math.round(cell.height)) {
      canvas.width = Math.round(cell.width);
      canvas.height = Math.round(cell.height);
    }
    canvas.getContext("2d").drawImage(this.#grid, cell.x, cell.y, cell.width, cell.height,
                                      0, 0, canvas.width, canvas.height);
  }
}
