// Server-sent events, with reconnecting. EventSource gives up for good on some errors (a proxy's 502 while the server
// restarts), so this always reconnects itself.

const firstDelay = 500;     // milliseconds
const longestDelay = 8000;

/**
 * What came of the stream: it is there, it is gone and being tried again, or something happened on the server.
 * @typedef {{kind: "connected"} | {kind: "lost"} | {kind: "event", name: string, data: string}} News
 */

export const eventNames = ["job", "model", "deleted"];

export class EventStream {
  #url;
  #tell;
  /** @type {EventSource | null} */
  #source = null;
  #delay = firstDelay;
  #timer = 0;

  /**
   * @param {string} url
   * @param {(news: News) => void} tell
   */
  constructor(url, tell) {
    this.#url = url;
    this.#tell = tell;
  }

  open() {
    this.close();
    const source = new EventSource(this.#url);
    this.#source = source;
    source.onopen = () => {
      this.#delay = firstDelay;
      this.#tell({kind: "connected"});
    };
    source.onerror = () => {
      source.close();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.open(), this.#delay);
      this.#delay = Math.min(longestDelay, 2 * this.#delay);
      this.#tell({kind: "lost"});
    };
    for (const name of eventNames) {
      source.addEventListener(name, ({data}) => this.#tell({kind: "event", name, data}));
    }
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  // Does not wait for the timer.
  hurry() {
    if (this.#source?.readyState === EventSource.CLOSED) this.open();
  }
}
