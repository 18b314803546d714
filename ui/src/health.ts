// The health of an integration in the words people know from other systems.

import type { Integration } from "./types";

export type Label = "healthy" | "needs attention" | "critical" | "paused" | "unknown";

/** Marks of the labels. */
export const MARKS: Record<Label, string> = { healthy: "healthy", "needs attention": "degraded", critical: "failing", paused: "paused", unknown: "unknown" };

/** While it is collecting, it is as its last failures say. */
export function label({ state, records, errors, last_error }: Integration): Label {
  if (state === "degraded") return "needs attention";
  if (state === "failing") return "critical";
  if (state === "paused") return "paused";
  if (state === "idle" && records === 0) return "unknown";
  return errors > 0 && last_error ? "needs attention" : "healthy";
}
