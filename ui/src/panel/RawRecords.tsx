import { get } from "../api";
import * as format from "../format";
import { Age } from "../parts/Age";
import { Answered } from "../parts/Answered";
import { Empty } from "../parts/Notice";
import type { RawRecord } from "../types";
import { useResource } from "../useResource";

/** What the tools said, as it came. */
export function RawRecords({ id }: { id: string }) {
  const answer = useResource(id, async (id, abort) => {
    const answer = await get<{ records: RawRecord[] }>(`/v1/entities/${encodeURIComponent(id)}/raw`, {}, abort);
    return answer.records;
  }).value;
  return (
    <Answered answer={answer} lines={6}>
      {(records) =>
        records.length === 0 ? (
          <Empty title="The raw records are past their retention." />
        ) : (
          <ul class="raw">
            {records.map((record) => (
              <li key={record.seq}>
                <p class="sub">
                  {record.stream}, record {format.count(record.seq)}, accepted <Age at={record.received_at} />
                </p>
                <pre tabIndex={0} aria-label={`Payload of record ${record.seq}`}>
                  {pretty(record.payload)}
                </pre>
              </li>
            ))}
          </ul>
        )
      }
    </Answered>
  );
}

/** JSON with indentation; anything else as it is. */
function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    return payload;
  }
}
