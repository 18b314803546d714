import { useSignal } from "@preact/signals";
import { get } from "../api";
import * as format from "../format";
import { Mark } from "../parts/Mark";
import { Empty, Pending, Trouble } from "../parts/Notice";
import { SuspectList, Verdict } from "../parts/Suspects";
import { ToolLink } from "../parts/ToolLink";
import { toEntity } from "../state";
import type { EntityAnswer, Json, Link, Suspects } from "../types";
import { Fields } from "./Document";
import { RawRecords } from "./RawRecords";
import { useResource } from "./useResource";

export function EntityView({ id }: { id: string }) {
  const { data, problem } = useResource(id, (id, abort) => get<EntityAnswer>(`/v1/entities/${encodeURIComponent(id)}`, {}, abort)).value;
  const kind = data?.kind ?? id.split(":")[0] ?? "";
  const document = data?.document ?? {};
  const result = text(document["result"]) ?? text(document["state"]);
  return (
    <div class="panel-body">
      <p class="kicker">{format.words(kind)}</p>
      <h2 id="panel-title" tabIndex={-1} class="with-mark">
        {kind === "build" && result && <Mark state={result} />}
        <span>{title(document) ?? format.plainId(id)}</span>
        <ToolLink url={text(document["url"])} name={kind} />
      </h2>
      <p class="id">{id}</p>
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={10} />}
      {data && kind === "build" && <Blame id={id} />}
      {data && (data.document ? <Fields of={besidesUrl(data.document)} /> : <Empty title="It is gone: the tool withdrew it." />)}
      {data?.links && data.links.length > 0 && <Links links={data.links} />}
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

/** The address stands beside the name already. */
function besidesUrl({ url: _, ...others }: { [key: string]: Json }): { [key: string]: Json } {
  return others;
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

function Links({ links }: { links: Link[] }) {
  return (
    <section aria-labelledby="links">
      <h3 id="links">Linked</h3>
      <ul class="links">
        {links.map((link) => (
          <li key={link.kind + link.to}>
            <a href={toEntity(link.to)}>{format.plainId(link.to)}</a>
            <span class="sub">
              {format.words(link.kind)}, {format.words(link.reason)}
              {link.confidence < 1 && `, ${Math.round(link.confidence * 100)} % sure`}
            </span>
          </li>
        ))}
      </ul>
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
          {sources.length > 0 && (
            <button type="button" class="more" onClick={() => (shown.value = true)}>
              Show what the tools said
            </button>
          )}
        </>
      )}
    </section>
  );
}
