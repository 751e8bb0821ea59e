// The server's events. Browsers open only six connections to a server, and a stream of events takes one for as long as
// its page is open, so that the seventh tab would never load: the tabs of a browser share one stream. The one that
// holds a lock has it and passes on what comes; when it is closed, the next one gets the lock.

import {EventStream} from "./event-stream.js";

/**
 * @typedef {import("./event-stream.js").News} News
 * @typedef {import("./api.js").Job} Job
 * @typedef {import("./api.js").Model} Model
 *
 * @typedef {object} Handlers
 * @property {(job: Job) => void} job
 * @property {(model: Model) => void} model
 * @property {(deleted: {id: string}) => void} deleted
 * @property {() => void} connected  what happened before may have been missed
 * @property {() => void} lost
 * @property {() => void} malformed  an event came that this page does not understand
 *
 * What tabs tell each other: news; "hello" of a new one, which is answered by a "welcome" to it; that one would like
 * the stream back soon.
 * @typedef {News | {kind: "hello", from: string} | {kind: "hurry"} |
 *           {kind: "welcome", to: string, live: boolean, model: News | null}} Message
 */

const sharedName = "svd-events-1";  // another number whenever the messages change

/**
 * Calls the handlers from now on.
 * @param {string} url
 * @param {Handlers} handlers
 */
export function followEvents(url, handlers) {
  /** @param {News} news */
  const receive = (news) => deliver(news, handlers);
  // Locks exist on https and localhost only.
  if (navigator.locks && "BroadcastChannel" in window) {
    new SharedStream(url, receive).follow();
  } else {
    followWhileVisible(new EventStream(url, receive));
  }
}

/** @param {EventStream} stream */
function followWhileVisible(stream) {
  const look = () => document.hidden ? stream.close() : stream.open();
  document.addEventListener("visibilitychange", look);
  addEventListener("online", () => stream.hurry());
  look();
}

class SharedStream {
  #url;
  #receive;
  #id = crypto.randomUUID();
  #channel = new BroadcastChannel(sharedName);
  /** @type {EventStream | null} */
  #stream = null;  // of the tab that has it
  #live = false;
  /** @type {News | null} */
  #model = null;   // the last that was heard of it
  #waiting = new AbortController();
  #release = () => {};

  /**
   * @param {string} url
   * @param {(news: News) => void} receive
   */
  constructor(url, receive) {
    this.#url = url;
    this.#receive = receive;
    this.#channel.onmessage = ({data}) => this.#hear(data);
    // A page that comes back to the foreground, or to the network, does not wait for a timer.
    const hurry = () => document.hidden || this.#live || this.#hurry();
    document.addEventListener("visibilitychange", hurry);
    addEventListener("online", hurry);
    // A page that the browser puts to sleep must not keep the others waiting.
    document.addEventListener("freeze", () => this.#leave());
    document.addEventListener("resume", () => this.follow());
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", (event) => event.persisted && this.follow());
  }

  follow() {
    this.#leave();
    this.#waiting = new AbortController();
    navigator.locks.request(sharedName, {signal: this.#waiting.signal}, () => this.#lead())
        .catch(() => {});  // put to sleep while it waited
    this.#tell({kind: "hello", from: this.#id});
  }

  // Until the promise is kept, this tab has the stream.
  #lead() {
    const stream = new EventStream(this.#url, (news) => {
      this.#note(news);
      this.#tell(news);
    });
    this.#stream = stream;
    stream.open();
    return new Promise((resolve) => { this.#release = () => resolve(null); });
  }

  #leave() {
    this.#waiting.abort();
    this.#stream?.close();
    this.#stream = null;
    this.#release();
  }

  #hurry() {
    if (this.#stream) {
      this.#stream.hurry();
    } else {
      this.#tell({kind: "hurry"});
    }
  }

  /** @param {Message} message */
  #hear(message) {
    switch (message.kind) {
      case "hello":
        if (this.#stream) this.#tell({kind: "welcome", to: message.from, live: this.#live, model: this.#model});
        break;
      case "hurry":
        this.#stream?.hurry();
        break;
      case "welcome":
        if (message.to !== this.#id) break;
        this.#note({kind: message.live ? "connected" : "lost"});
        if (message.model) this.#note(message.model);
        break;
      default:
        this.#note(message);
    }
  }

  /** @param {News} news */
  #note(news) {
    if (news.kind !== "event") this.#live = news.kind === "connected";
    if (news.kind === "event" && news.name === "model") this.#model = news;
    this.#receive(news);
  }

  /** @param {Message} message */
  #tell(message) {
    this.#channel.postMessage(message);
  }
}

/**
 * @param {News} news
 * @param {Handlers} handlers
 */
function deliver(news, handlers) {
  if (news.kind !== "event") {
    handlers[news.kind]();
    return;
  }
  try {
    const value = JSON.parse(news.data);
    if (news.name === "job") handlers.job(checkedJob(value));
    if (news.name === "model") handlers.model(checked(value, {state: "string"}));
    if (news.name === "deleted") handlers.deleted(checked(value, {id: "string"}));
  } catch (error) {
    console.warn("an event of the server cannot be used:", error, news);
    handlers.malformed();
  }
}

/**
 * The value, if it has members of these types.
 * @param {any} value
 * @param {Record<string, string>} types
 */
function checked(value, types) {
  for (const [name, type] of Object.entries(types)) {
    if (typeof value?.[name] !== type || value[name] === null) throw new TypeError(`${name} is not of type ${type}`);
  }
  return value;
}

/** @param {any} value */
function checkedJob(value) {
  checked(value, {id: "string", state: "string", created: "string", settings: "object", progress: "object",
                  files: "object", saved_to: "object"});
  checked(value.progress, {phase: "string", fraction: "number"});
  checked(value.settings, {version: "string", sampler: "object", discretization: "object", guider: "object"});
  checked(value.files, {input: "string"});
  return value;
}
