/** Numbers, sizes and times as people read them. */

const NUMBER = new Intl.NumberFormat();

/** @param {number | null | undefined} value */
export function number(value) {
  return value === undefined || value === null || Number.isNaN(value) ? "–" : NUMBER.format(value);
}

/** @param {number | undefined} value */
export function bytes(value) {
  if (value === undefined || !Number.isFinite(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  /** @type {[size: number, unit: string][]} */
  const parts = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const at = parts.findIndex(([size]) => seconds >= size);
  if (at === -1) return "0 s";
  const [size, unit] = parts[at];
  const next = parts[at + 1];
  const rest = next ? Math.floor((seconds % size) / next[0]) : 0;
  return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${next[1]}` : ""}`;
}

/** @param {string | number | Date} text */
export function time(text) {
  return new Date(text).toLocaleTimeString([], { hourCycle: "h23" });
}

/** @param {string} text */
export function moment(text) {
  return new Date(text).toLocaleString([], { hourCycle: "h23" });
}
