import { useComputed } from "@preact/signals";
import * as format from "../format";
import { now } from "../time";

/** An instant, as how long ago it is; the full time is the title. */
export function Age({ at }: { at: string | null | undefined }) {
  const ms = Date.parse(at ?? "");
  const text = useComputed(() => format.when(ms, now.value));
  if (Number.isNaN(ms)) return <>{format.MISSING}</>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={new Date(ms).toISOString().replace("T", " ").replace(".000Z", " UTC")}>
      {/* A signal of text: the clock moves on without rendering the component. Keyed, for `at` may change. */}
      <span key={ms}>{text}</span>
    </time>
  );
}
