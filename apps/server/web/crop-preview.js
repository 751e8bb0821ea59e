// What of a picture the model sees: the server scales it until it just covers the video's size and cuts out the centre.

import {contextOf} from "./dom.js";

/**
 * The part that stays, in pixels of the picture.
 * @param {number} pictureWidth
 * @param {number} pictureHeight
 * @param {number} width
 * @param {number} height
 */
export function centreCrop(pictureWidth, pictureHeight, width, height) {
  const scale = Math.max(width / pictureWidth, height / pictureHeight);
  const cut = {width: width / scale, height: height / scale};
  return {x: (pictureWidth - cut.width) / 2, y: (pictureHeight - cut.height) / 2, ...cut};
}

const longestSide = 720;  // of the canvas, in its own pixels: enough for twice the pixels of its place on the page

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} image
 * @param {{x: number, y: number, width: number, height: number}} cut
 * @param {number} width
 * @param {number} height
 */
export function drawCrop(canvas, image, cut, width, height) {
  const shrink = Math.min(1, longestSide / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * shrink));
  canvas.height = Math.max(1, Math.round(height * shrink));
  const context = contextOf(canvas);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, cut.x, cut.y, cut.width, cut.height, 0, 0, canvas.width, canvas.height);
}
