import { useSignal } from "@preact/signals";
import { get } from "../api";
import * as format from "../format";
import { Mark, isState } from "../parts/Mark";
import { Empty, Pending, Trouble } from "../parts/Notice";
import { SuspectList, Verdict } from "../parts/Suspects";
import { ToolLink } from "../parts/ToolLink";
import type { EntityAnswer, Json, Suspects } from "../types";
import { may } from "../session";
import { Fields } from "./Document";
import { Links } from "./Links";
import { LogEnd } from "./LogEnd";
import { Notes } from "./Notes";
import { RawRecords } from "./RawRecords";
import { Stays } from "./Stays";
import { Waterfall } from "./Waterfall";
import { useResource } from "../useResource";

export function EntityView({ id }: { id: string }) {
  const { data, problem } = useResource(id, (id, abort) => get<EntityAnswer>(`/v1/entities/${encodeURIComponent(id)}`, {}, abort)).value;
  const kind = data?.kind ?? id.split(":")[0] ?? "";
  const document = data?.document ?? {};
  const stages = Array.isArray(document["stages"]) && document["stages"].length > 0 ? document["stages"] : undefined;
  const log = text(document["log_tail"]);
  const result = text(document["result"]) ?? text(document["state"]);
  return (
    <div class="panel-body">
      <p class="kicker">{format.words(kind)}</p>
      <h2 id="panel-title" tabIndex={-1} class="with-mark">
        {result && isState(result) && <Mark state={result} />}
        <span>{title(document) ?? format.plainId(id)}</span>
        <ToolLink url={text(document["url"])} name={kind} />
      </h2>
      <p class="id">{id}</p>
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={10} />}
      {data && kind === "build" && <Blame id={id} />}
      {data?.history && <Stays history={data.history} />}
      {stages && <Waterfall stages={stages} />}
      {log && <LogEnd text={log} />}
      {data?.links && data.links.length > 0 && <Links id={id} links={data.links} />}
      {data && <Notes id={id} />}
      {data && (data.document ? <Fields of={beside(data.document)} /> : <Empty title="It is gone: the tool withdrew it." />)}
      {data && <Origin answer={data} />}
    </div>
  );
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function title(document: { [key: string]: Json }): string | undefined {
  const job = text(document["job"]);
  const number = document["number"];
  if (job && typeof number === "number") return `${job} #${number}`;
  const named = text(document["title"]) ?? text(document["name"]) ?? text(document["message"]);
  return named?.split("\n")[0];
}

/** What is shown in a form of its own is not shown again. */
function beside({ url: _, log_tail: __, stages, ...others }: { [key: string]: Json }): { [key: string]: Json } {
  return Array.isArray(stages) ? others : { ...others, stages: stages ?? null };
}

function Blame({ id }: { id: string }) {
  const { data } = useResource(id, (id, abort) => get<Suspects>(`/v1/builds/${encodeURIComponent(id)}/suspects`, {}, abort)).value;
  if (!data || data.state === "green") return null;
  return (
    <section class="blame" aria-labelledby="blame">
      <h3 id="blame">Suspects</h3>
      <p class="red-note">
        <Verdict suspects={data} />
      </p>
      <SuspectList commits={data.commits} />
    </section>
  );
}

/** Where it comes from: the raw records, which are read only when they are asked for. */
function Origin({ answer }: { answer: EntityAnswer }) {
  const shown = useSignal(false);
  const sources = answer.sources ?? [];
  return (
    <section aria-labelledby="origin">
      <h3 id="origin">From {sources.length === 1 ? "one raw record" : `${format.count(sources.length)} raw records`}</h3>
      {shown.value ? (
        <RawRecords id={answer.id} />
      ) : (
        <>
          <ul class="links">
            {sources.map((source) => (
              <li key={source.seq}>
                <code>{source.key}</code>
                <span class="sub">
                  {source.stream}, record {format.count(source.seq)}
                </span>
              </li>
            ))}
          </ul>
          {sources.length > 0 && may("raw") && (
            <button type="button" class="more" onClick={() => (shown.value = true)}>
              Show what the tools said
            </button>
          )}
        </>
      )}
    </section>
  );
}
