// What the page knows of the server's jobs. The server's events keep it true; lists fetched in between fill it.

import {api, asApiError} from "./api.js";

/** @typedef {import("./api.js").Job} Job */

/** @param {Job} job */
export function isFinal(job) {
  return job.state === "done" || job.state === "failed" || job.state === "cancelled";
}

export class JobStore {
  /** @type {Map<string, Job>} */
  #jobs = new Map();
  /** @type {Set<string>} */
  #deleted = new Set();  // ids; none is used again
  /** @type {string | null} */
  #next = null;  // where the list of older jobs goes on
  #listed = false;
  /** @type {((job: Job) => void)[]} */
  #jobListeners = [];
  /** @type {((id: string) => void)[]} */
  #deletionListeners = [];

  /**
   * Calls it with each job that is new or changed.
   * @param {(job: Job) => void} listener
   */
  onJob(listener) {
    this.#jobListeners.push(listener);
  }

  /**
   * Calls it with the id of each job that is gone.
   * @param {(id: string) => void} listener
   */
  onDeleted(listener) {
    this.#deletionListeners.push(listener);
  }

  /** @param {string} id */
  get(id) {
    return this.#jobs.get(id);
  }

  // Newest first; of those made at the same time, the one that came last.
  all() {
    /** @type {(a: Job, b: Job) => number} */
    const newestFirst = (a, b) => (a.created === b.created ? 0 : a.created < b.created ? 1 : -1);
    return [...this.#jobs.values()].reverse().sort(newestFirst);
  }

  get hasOlder() {
    return this.#next !== null;
  }

  /** @param {Job} job */
  put(job) {
    // A list that was asked for before an event but arrives after it must not bring a finished or deleted job back to
    // life.
    if (this.#deleted.has(job.id)) return;
    const known = this.#jobs.get(job.id);
    if (known && isFinal(known) && !isFinal(job)) return;
    this.#jobs.set(job.id, job);
    for (const listener of this.#jobListeners) listener(job);
  }

  /** @param {string} id */
  remove(id) {
    this.#deleted.add(id);
    if (!this.#jobs.delete(id)) return;
    for (const listener of this.#deletionListeners) listener(id);
  }

  // Brings the newest jobs, and those that may have ended or vanished while nobody listened, up to date.
  async refresh() {
    const {jobs, next} = await api.listJobs();
    if (!this.#listed) this.#next = next ?? null;
    this.#listed = true;
    const listed = new Set(jobs.map((job) => job.id));
    const oldest = jobs.at(-1)?.created ?? "";
    for (const job of jobs.reverse()) this.put(job);
    for (const job of this.all()) {
      if (!listed.has(job.id) && (!isFinal(job) || job.created >= oldest)) await this.#refetch(job.id);
    }
  }

  async loadOlder() {
    if (this.#next === null) return;
    const {jobs, next} = await api.listJobs(this.#next);
    this.#next = next ?? null;
    for (const job of jobs.reverse()) this.put(job);
  }

  /** @param {string} id */
  async #refetch(id) {
    try {
      this.put(await api.job(id));
    } catch (error) {
      if (asApiError(error).status === 404) this.remove(id);
    }
  }
}
