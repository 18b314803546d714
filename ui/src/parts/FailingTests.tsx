import { get } from "../api";
import { period } from "../data";
import * as format from "../format";
import { all, within } from "../query";
import { toEntity, toMetric, view } from "../state";
import type { EntityAnswer, Json, SearchAnswer } from "../types";
import { useResource } from "../useResource";
import { Age } from "./Age";
import { Box } from "./Box";
import { Coded, Empty } from "./Notice";

/** Reports that are read: each is a question of its own. */
const REPORTS = 30;
const SHOWN = 8;

interface Failing {
  name: string;
  n: number;
  flaky: number;
  /** The newest report it fails in. */
  report: string;
  at: string | undefined;
  message: string | undefined;
}

/** Tests that fail most, from the newest red reports. */
export function FailingTests() {
  const q = period.value && all("result:(failure OR unstable OR failed)", within(view.value, period.value));
  const answer = useResource(q, failing).value;
  const note = (
    <>
      {answer.data && answer.data.reports > 0 && `in the newest ${format.count(answer.data.reports)} red reports, `}
      <a href={toMetric("flaky-rate")}>flaky commits</a>
    </>
  );
  return (
    <Box title="Failing tests" note={note} answer={answer}>
      {({ tests }) =>
        tests.length === 0 ? (
          <Empty title="No test failed in this window.">
            <p>
              <Coded text="Reports come with builds of Jenkins, or by `weir emit test` from any pipeline." />
            </p>
          </Empty>
        ) : (
          <ul class="hits">
            {tests.slice(0, SHOWN).map((test) => (
              <li key={test.name} class="hit-row">
                <p class="hit-head">
                  <a href={toEntity(test.report)} title={test.name}>
                    <TestName name={test.name} />
                  </a>
                  <span class="when">
                    {format.count(test.n)} ×{test.flaky > 0 && `, ${format.count(test.flaky)} flaky`}, <Age at={test.at} />
                  </span>
                </p>
                {test.message && <p class="sub">{test.message}</p>}
              </li>
            ))}
          </ul>
        )
      }
    </Box>
  );
}

/** The end tells tests apart. */
function TestName({ name }: { name: string }) {
  const parts = name.split(/(?<=[.#/:])/);
  return (
    <>
      <span class="folders">{parts.slice(0, -2).join("")}</span>
      {parts.slice(-2).join("")}
    </>
  );
}

async function failing(q: string, abort: AbortSignal): Promise<{ reports: number; tests: Failing[] }> {
  const found = await get<SearchAnswer>("/v1/search", { q, kind: "test-report", limit: REPORTS }, abort);
  const reports = await Promise.all(found.hits.map((hit) => get<EntityAnswer>(`/v1/entities/${encodeURIComponent(hit.id)}`, {}, abort)));
  const tests = new Map<string, Failing>();
  reports.forEach((report, index) => {
    for (const { name, result, message } of cases(report.document?.["cases"])) {
      const known = tests.get(name) ?? { name, n: 0, flaky: 0, report: report.id, at: found.hits[index]?.updated, message };
      tests.set(name, { ...known, n: known.n + Number(result !== "flaky"), flaky: known.flaky + Number(result === "flaky") });
    }
  });
  return { reports: reports.length, tests: [...tests.values()].sort((a, b) => b.n - a.n || b.flaky - a.flaky || (a.name < b.name ? -1 : 1)) };
}

const TOLD = new Set(["failed", "error", "flaky"]);

function cases(list: Json | undefined): { name: string; result: string; message: string | undefined }[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((one) => {
    if (one === null || typeof one !== "object" || Array.isArray(one)) return [];
    const { name, result, message } = one;
    if (typeof name !== "string" || typeof result !== "string" || !TOLD.has(result)) return [];
    return [{ name, result, message: typeof message === "string" ? message.split("\n")[0] : undefined }];
  });
}
