// How long a line of builds has been red or green. Pure.

import type { Hit } from "./types";

/** Builds of one sort in a row, up to now. `atLeast`: there may be more before. */
export interface Streak {
  red: boolean;
  n: number;
  atLeast: boolean;
}

/** Results that say something about the code, and whether it is good. */
export const JUDGED: Record<string, boolean> = { success: true, failure: false, unstable: false, timeout: false };

/** The streak a branch is in; `builds` with the newest first. What says nothing about the code is passed over. */
export function streak(builds: readonly Hit[]): Streak | undefined {
  const judged = builds.flatMap((build) => JUDGED[build.result ?? ""] ?? []);
  const [now] = judged;
  if (now === undefined) return undefined;
  const end = judged.indexOf(!now);
  return { red: !now, n: end === -1 ? judged.length : end, atLeast: end === -1 };
}
