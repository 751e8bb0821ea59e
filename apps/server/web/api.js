// The server's REST interface (GET /api/v1/openapi.json describes it).

/**
 * @typedef {"queued" | "running" | "done" | "failed" | "cancelled"} JobState
 * @typedef {{name: string} & Record<string, string | number | null>} Method  with its parameters
 *
 * @typedef {object} Settings
 * @property {string} version
 * @property {number} height
 * @property {number} width
 * @property {number} num_frames
 * @property {number} num_steps
 * @property {number} seed
 * @property {number} fps
 * @property {boolean} overwrite_fps
 * @property {number} [video_fps]
 * @property {number} motion_bucket_id
 * @property {number} cond_aug
 * @property {number} decoding_t
 * @property {Method} sampler
 * @property {Method} discretization
 * @property {Method} guider
 * @property {boolean} watermark
 * @property {boolean} save_locally
 * @property {string} [save_path]
 * @property {number} [num_samples]
 *
 * @typedef {object} Progress
 * @property {string} phase
 * @property {number} fraction  of the phase
 * @property {number} step
 * @property {number} steps
 * @property {number | null} seconds_per_step
 * @property {number | null} seconds_left  of the phase
 * @property {number} preview  grows with every new preview
 *
 * @typedef {object} Files  addresses on the server; all but the first only of jobs that are done
 * @property {string} input
 * @property {string} [video]
 * @property {string} [grid]
 * @property {string[]} [frames]
 * @property {string} [frames_tar]
 *
 * @typedef {object} Job
 * @property {string} id
 * @property {JobState} state
 * @property {string} created
 * @property {string | null} started
 * @property {string | null} finished
 * @property {number | null} queue_place  1: the next
 * @property {Settings} settings
 * @property {number} seed
 * @property {Progress} progress
 * @property {{code: string, message: string} | null} error
 * @property {Files} files
 * @property {string[]} saved_to
 *
 * @typedef {object} Model
 * @property {"none" | "loading" | "ready" | "failed"} state
 * @property {string | null} version
 * @property {number} progress
 * @property {string | null} part
 * @property {number} memory_bytes
 * @property {string} device
 * @property {{code: string, message: string} | null} error
 *
 * @typedef {object} Version
 * @property {string} name
 * @property {number} num_frames
 * @property {number} num_steps
 * @property {number} min_guidance
 * @property {number} max_guidance
 * @property {number} width
 * @property {number} height
 * @property {boolean} own_size_only
 * @property {boolean} available
 * @property {string} checkpoint  the file's name
 *
 * @typedef {{name: string, default: number, min: number, max: number, integer: boolean}} Parameter
 * @typedef {{name: string, parameters: Parameter[]}} MethodKind
 * @typedef {{min?: number, max?: number, step?: number}} Limits
 *
 * @typedef {object} Options
 * @property {Version[]} versions
 * @property {MethodKind[]} samplers
 * @property {MethodKind[]} discretizations
 * @property {MethodKind[]} guiders
 * @property {Settings} defaults
 * @property {{upload_bytes: number} & Record<string, Limits | number>} limits
 * @property {string} save_path
 * @property {boolean} save_locally
 */

const base = "/api/v1";

// `status` is the HTTP status, 0 when the server did not answer, -1 when the fault is the page's own; `field` names the
// setting that is wrong, if one is.
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, message?: string, field?: string | null}} body
   */
  constructor(status, {code = "", message = "", field = null}) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/**
 * What was caught, as something that can be shown.
 * @param {unknown} error
 */
export function asApiError(error) {
  if (error instanceof ApiError) return error;
  const message = `Something went wrong in this page: ${error}. Reloading it may help.`;
  return new ApiError(-1, {code: "page", message});
}

function noAnswer() {
  return new ApiError(0, {code: "no_answer", message: "The server does not answer. Is svd serve still running?"});
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{json?: unknown, form?: FormData}} content
 */
async function request(method, path, {json, form} = {}) {
  /** @type {RequestInit} */
  const init = {method};
  if (json !== undefined) {
    init.headers = {"Content-Type": "application/json"};
    init.body = JSON.stringify(json);
  } else if (form !== undefined) {
    init.body = form;
  }
  const response = await fetch(base + path, init).catch(() => { throw noAnswer(); });
  if (!response.ok) throw await errorOf(response);
  return response.status === 204 ? null : readJson(response);
}

/** @param {Response} response */
async function readJson(response) {
  try {
    return await response.json();
  } catch {
    // Also an empty body, as of 202 Accepted.
    return null;
  }
}

/** @param {Response} response */
async function errorOf(response) {
  const body = await readJson(response);
  return new ApiError(response.status, body?.error ?? {message: `The server answered with status ${response.status}.`});
}

/** @param {File} file */
function canBeRead(file) {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

/** @param {File} file */
function changedSince(file) {
  const message = `${file.name} has changed, or is gone, since it was chosen. Choose it again.`;
  return new ApiError(-1, {code: "picture_changed", message, field: "image"});
}

export const api = {
  /** @param {string} token */
  signIn: (token) => request("POST", "/session", {json: {token}}),
  /** @returns {Promise<Options>} */
  options: () => request("GET", "/options"),

  /** @returns {Promise<Model>} */
  model: () => request("GET", "/model"),
  /** @param {string | undefined} version */
  loadModel: (version) => request("POST", "/model", {json: {version}}),
  unloadModel: () => request("DELETE", "/model"),

  /**
   * The jobs made, one for each sample.
   * @param {File} picture
   * @param {Settings} settings
   * @returns {Promise<Job[]>}
   */
  async createJobs(picture, settings) {
    const form = new FormData();
    form.append("image", picture, picture.name);
    form.append("settings", new Blob([JSON.stringify(settings)], {type: "application/json"}));
    try {
      return (await request("POST", "/jobs", {form})).jobs;
    } catch (error) {
      throw asApiError(error).status === 0 && !(await canBeRead(picture)) ? changedSince(picture) : error;
    }
  },

  /**
   * Newest first; `next` is what to pass as `before` for older ones.
   * @param {string | null} before
   * @returns {Promise<{jobs: Job[], next: string | null}>}
   */
  listJobs(before = null) {
    return request("GET", `/jobs?limit=24${before === null ? "" : `&before=${encodeURIComponent(before)}`}`);
  },
  /**
   * @param {string} id
   * @returns {Promise<Job>}
   */
  job: (id) => request("GET", `/jobs/${id}`),
  /**
   * @param {string} id
   * @returns {Promise<Job>}
   */
  cancelJob: (id) => request("POST", `/jobs/${id}/cancel`),
  /** @param {string} id */
  deleteJob: (id) => request("DELETE", `/jobs/${id}`),
  /**
   * @param {string} id
   * @param {Partial<Settings>} changes
   * @returns {Promise<Job>}
   */
  async repeatJob(id, changes = {}) {
    const made = await request("POST", `/jobs/${id}/repeat`, {json: changes});
    return made.jobs?.[0] ?? made.job;
  },
  /** @param {Job} job */
  previewUrl: (job) => `${base}/jobs/${job.id}/preview.png?n=${job.progress.preview}`,

  /**
   * A picture that the server keeps, as a file that can be sent again.
   * @param {string} url
   * @param {string} name
   */
  async fetchFile(url, name) {
    const response = await fetch(url).catch(() => { throw noAnswer(); });
    if (!response.ok) throw await errorOf(response);
    const blob = await response.blob().catch(() => { throw noAnswer(); });
    return new File([blob], name, {type: blob.type});
  },

  eventsUrl: `${base}/events`,
};
