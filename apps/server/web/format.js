// Numbers and names as people read them.

/** @param {number} bytes */
export function formatBytes(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    ++unit;
  }
  return `${Math.round(10 * value) / 10} ${units[unit]}`;
}

/** @param {number} seconds */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/**
 * "3.2 s", "128 s": enough digits to see it change.
 * @param {number} seconds
 */
export function formatSeconds(seconds) {
  return `${seconds < 10 ? seconds.toFixed(2) : seconds < 100 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

/** @param {number} fraction */
export function formatPercent(fraction) {
  return `${Math.floor(100 * Math.min(1, Math.max(0, fraction)))} %`;
}

/**
 * "14:05" today, else with the day.
 * @param {string} iso
 */
export function formatTime(iso) {
  const time = new Date(iso);
  const today = new Date().toDateString() === time.toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const clock = {hour: "2-digit", minute: "2-digit"};
  return time.toLocaleString([], today ? clock : {...clock, day: "numeric", month: "short"});
}

/**
 * @param {number} count
 * @param {string} noun
 */
export function formatCount(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** @type {Record<string, string>} */
const names = {
  EulerEDMSampler: "Euler (EDM)",
  HeunEDMSampler: "Heun (EDM)",
  EulerAncestralSampler: "Euler ancestral",
  DPMPP2SAncestralSampler: "DPM++ 2S ancestral",
  DPMPP2MSampler: "DPM++ 2M",
  LinearMultistepSampler: "Linear multistep",
  EDMDiscretization: "EDM",
  LegacyDDPMDiscretization: "Legacy DDPM",
  VanillaCFG: "Vanilla: one scale",
  IdentityGuider: "None",
  LinearPredictionGuider: "Linear: from the first frame to the last",
  TrianglePredictionGuider: "Triangle: up to the middle and back",
  queued: "Waiting",
  running: "Running",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  loading: "Loading",
  encoding: "Encoding",
  denoising: "Denoising",
  decoding: "Decoding",
};

/**
 * A class, state or phase in words; what this page does not know keeps its own name.
 * @param {string} identifier
 */
export function nameOf(identifier) {
  return names[identifier] ?? identifier;
}

/**
 * In the order in which they are shown.
 * @type {Record<string, string>}
 */
const parameterNames = {
  s_churn: "Churn",
  s_tmin: "Churn from sigma",
  s_tmax: "Churn up to sigma",
  s_noise: "Noise factor",
  eta: "Ancestral noise",
  order: "Order",
  sigma_min: "Smallest sigma",
  sigma_max: "Largest sigma",
  rho: "Spacing",
  scale: "Scale",
  min_scale: "Smallest scale",
  max_scale: "Largest scale",
};

/** @param {string} identifier */
export function nameOfParameter(identifier) {
  return parameterNames[identifier] ?? identifier;
}

/**
 * {name: value} as [[name, value]] in the order above; JSON objects have none.
 * @template T
 * @param {Record<string, T>} values
 */
export function sortParameters(values) {
  const order = Object.keys(parameterNames);
  return Object.entries(values).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
}
