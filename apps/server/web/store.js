// What the page knows of the server's jobs. The server's events keep it true; lists fetched in between fill it.

import {api} from "./api.js";

export function isFinal(job) {
  return job.state === "done" || job.state === "failed" || job.state === "cancelled";
}

// Dispatches "job" (detail: the job) when one is new or changed, "deleted" (detail: its id).
export class JobStore extends EventTarget {
  #jobs = new Map();
  #next = null;     // where the list of older jobs goes on
  #listed = false;

  get(id) {
    return this.#jobs.get(id);
  }

  // Newest first; of those made at the same time, the one that came last.
  all() {
    const newestFirst = (a, b) => (a.created === b.created ? 0 : a.created < b.created ? 1 : -1);
    return [...this.#jobs.values()].reverse().sort(newestFirst);
  }

  get hasOlder() {
    return this.#next !== null;
  }

  put(job) {
    // A list that was asked for before an event but arrives after it must not bring a finished job back to life.
    const known = this.#jobs.get(job.id);
    if (known && isFinal(known) && !isFinal(job)) return;
    this.#jobs.set(job.id, job);
    this.dispatchEvent(new CustomEvent("job", {detail: job}));
  }

  remove(id) {
    if (!this.#jobs.delete(id)) return;
    this.dispatchEvent(new CustomEvent("deleted", {detail: id}));
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

  async #refetch(id) {
    try {
      this.put(await api.job(id));
    } catch (error) {
      if (error.status === 404) this.remove(id);
    }
  }
}
