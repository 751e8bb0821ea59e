// The server's REST interface (GET /api/v1/openapi.json describes it).

const base = "/api/v1";

// `status` is the HTTP status, 0 when the server did not answer; `field` names the setting that is wrong, if one is.
export class ApiError extends Error {
  constructor(status, {code = "", message = "", field = null}) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

async function request(method, path, {json, form} = {}) {
  const init = {method, headers: {}};
  if (json !== undefined) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(json);
  } else if (form !== undefined) {
    init.body = form;
  }
  let response;
  try {
    response = await fetch(base + path, init);
  } catch {
    throw new ApiError(0, {code: "no_answer", message: "The server does not answer. Is svd serve still running?"});
  }
  if (!response.ok) throw await errorOf(response);
  return response.status === 204 ? null : readJson(response);
}

async function readJson(response) {
  try {
    return await response.json();
  } catch {
    // Also an empty body, as of 202 Accepted.
    return null;
  }
}

async function errorOf(response) {
  const body = await readJson(response);
  return new ApiError(response.status, body?.error ?? {message: `The server answered with status ${response.status}.`});
}

export const api = {
  signIn: (token) => request("POST", "/session", {json: {token}}),
  options: () => request("GET", "/options"),

  model: () => request("GET", "/model"),
  loadModel: (version) => request("POST", "/model", {json: {version}}),
  unloadModel: () => request("DELETE", "/model"),

  // The jobs made, one for each sample.
  async createJobs(picture, settings) {
    const form = new FormData();
    form.append("image", picture, picture.name);
    form.append("settings", new Blob([JSON.stringify(settings)], {type: "application/json"}));
    return (await request("POST", "/jobs", {form})).jobs;
  },

  // Newest first: {jobs, next}; `next` is what to pass as `before` for older ones.
  listJobs(before = null) {
    return request("GET", `/jobs?limit=24${before === null ? "" : `&before=${encodeURIComponent(before)}`}`);
  },
  job: (id) => request("GET", `/jobs/${id}`),
  cancelJob: (id) => request("POST", `/jobs/${id}/cancel`),
  deleteJob: (id) => request("DELETE", `/jobs/${id}`),
  async repeatJob(id, changes = {}) {
    const made = await request("POST", `/jobs/${id}/repeat`, {json: changes});
    return made.jobs?.[0] ?? made.job;
  },
  previewUrl: (job) => `${base}/jobs/${job.id}/preview.png?n=${job.progress.preview}`,

  // A picture that the server keeps, as a file that can be sent again.
  async fetchFile(url, name) {
    const response = await fetch(url);
    if (!response.ok) throw await errorOf(response);
    const blob = await response.blob();
    return new File([blob], name, {type: blob.type});
  },

  eventsUrl: `${base}/events`,
};
