import { useSignal } from "@preact/signals";
import { send } from "../api";
import { saveCsv } from "../chart/export";
import * as format from "../format";
import { may } from "../session";
import { param, show } from "../state";
import type { Column, Json, Row, TableShape } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";
import { Age } from "./Age";
import { Dialog } from "./Dialog";
import { FormEnd } from "./FormEnd";
import { Coded, Empty, Pending, Trouble } from "./Notice";
import { Said } from "./Said";
import { Scroll } from "./Scroll";

/** Tables that rules write and people keep. */
export function Tables() {
  const { data, problem } = useGet<{ tables: TableShape[] }>("/v1/tables", {}).value;
  const tables = data?.tables ?? [];
  const table = tables.find((each) => each.name === param("table")) ?? tables[0];
  return (
    <section class="panel-box" aria-labelledby="tables">
      <div class="head">
        <h2 id="tables">Tables</h2>
      </div>
      {problem && <Trouble problem={problem} />}
      {!data && !problem && <Pending lines={4} />}
      {data && tables.length === 0 && (
        <Empty title="No table is kept.">
          <p>
            <Coded text="A `[[table]]` in weir.toml names its columns; rules, this page and `weir table import` fill it." />
          </p>
        </Empty>
      )}
      {tables.length > 1 && (
        <ul class="chips" aria-label="Tables">
          {tables.map((each) => (
            <li key={each.name}>
              <button type="button" class="chip" aria-pressed={each === table} onClick={() => show({ params: { table: each.name } })}>
                {each.name}
              </button>
            </li>
          ))}
        </ul>
      )}
      {table && <Rows key={table.name} table={table} />}
    </section>
  );
}

type Edited = { row: Row | undefined } | undefined;

function Rows({ table }: { table: TableShape }) {
  const path = `/v1/tables/${encodeURIComponent(table.name)}`;
  const { data, problem } = useGet<{ rows: Row[] }>(path, {}).value;
  const edited = useSignal<Edited>(undefined);
  const imports = useSignal(false);
  const action = useAction();
  const names = table.columns.map((column) => column.name);
  const rows = data?.rows ?? [];
  const remove = (row: Row): void => {
    if (confirm(`Remove ${row.key} from ${table.name}? Its history stays.`)) {
      action.run(async () => {
        await send("DELETE", `${path}/${encodeURIComponent(row.key)}`);
        return `${row.key} is removed.`;
      });
    }
  };
  return (
    <>
      <p class="inline">
        <strong>{table.name}</strong>
        {data && <span class="sub">{format.count(rows.length)} rows</span>}
        <span class="takes">
          {may("tables") && (
            <>
              <button type="button" class="quiet" onClick={() => (edited.value = { row: undefined })}>
                New row
              </button>
              <button type="button" class="quiet" onClick={() => (imports.value = true)}>
                Import CSV
              </button>
            </>
          )}
          <button type="button" class="quiet" onClick={() => saveCsv(table.name, [names, ...rows.map((row) => names.map((name) => text(row[name])))])}>
            CSV
          </button>
        </span>
      </p>
      {problem && <Trouble problem={problem} />}
      {data && rows.length === 0 && <Empty title="It has no rows." />}
      {rows.length > 0 && (
        <Scroll label={`Rows of ${table.name}`}>
          <table class="list">
            <thead>
              <tr>
                {names.map((name) => (
                  <th key={name} scope="col">
                    {format.words(name)}
                  </th>
                ))}
                <th scope="col">Changed</th>
                <th scope="col">
                  <span class="hidden">Do</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.key}>
                  {names.map((name) => (
                    <td key={name}>{text(row[name]) || <span class="dim">{format.MISSING}</span>}</td>
                  ))}
                  <td class="sub">
                    <Age at={row.at} /> by {row.by}, version {row.version}
                  </td>
                  <td class="acts" hidden={!may("tables")}>
                    <button type="button" class="quiet" onClick={() => (edited.value = { row })}>
                      Edit<span class="hidden"> {row.key}</span>
                    </button>
                    <button type="button" class="quiet" onClick={() => remove(row)}>
                      Remove<span class="hidden"> {row.key}</span>
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <Said action={action} />
      {edited.value && <Edit table={table} path={path} row={edited.value.row} close={() => (edited.value = undefined)} />}
      {imports.value && <Import table={table} path={path} close={() => (imports.value = false)} />}
    </>
  );
}

const text = (value: Json | undefined): string => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

function Edit({ table, path, row, close }: { table: TableShape; path: string; row: Row | undefined; close: () => void }) {
  const action = useAction();
  const save = async (form: HTMLFormElement): Promise<string> => {
    const data = new FormData(form);
    const values = table.columns.flatMap((column) => {
      const value = typed(column, String(data.get(column.name) ?? ""));
      return value === undefined ? [] : [[column.name, value] as const];
    });
    await send("POST", `${path}?by=page`, Object.fromEntries(values));
    close();
    return "Saved.";
  };
  return (
    <Dialog title={row ? `${table.name}: ${row.key}` : `New row of ${table.name}`} close={close}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          const form = event.currentTarget;
          action.run(() => save(form));
        }}
      >
        {table.columns.map((column) => (
          <label key={column.name}>
            {format.words(column.name)} {column.required && <span class="sub">needed</span>}
            <Field column={column} value={text(row?.[column.name] ?? (row ? null : column.default))} fixed={row !== undefined && column.name === table.key} />
          </label>
        ))}
        <FormEnd action={action} does="Save" leave="Cancel" close={close} />
      </form>
    </Dialog>
  );
}

const INPUTS: Record<Column["type"], string> = { text: "text", number: "number", date: "date", boolean: "text", choice: "text" };

function Field({ column, value, fixed }: { column: Column; value: string; fixed: boolean }) {
  const choices = column.type === "boolean" ? ["true", "false"] : column.choices;
  if (choices && choices.length > 0) {
    return (
      <select class="text-input" name={column.name} defaultValue={value}>
        {!column.required && <option value="" />}
        {choices.map((choice) => (
          <option key={choice} value={choice} selected={choice === value}>
            {choice}
          </option>
        ))}
      </select>
    );
  }
  return <input class="text-input" type={INPUTS[column.type] as "text"} step="any" name={column.name} defaultValue={value} required={column.required ?? false} readOnly={fixed} />;
}

/** What was typed as the column has it. Empty takes the value away. */
function typed({ type, required }: Column, value: string): Json | undefined {
  if (value === "") return required ? undefined : null;
  if (type === "number") return Number(value);
  return type === "boolean" ? value === "true" : value;
}

function Import({ table, path, close }: { table: TableShape; path: string; close: () => void }) {
  const body = useSignal("");
  const action = useAction();
  const names = table.columns.map((column) => column.name).join(",");
  return (
    <Dialog title={`Import into ${table.name}`} close={close}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          action.run(async () => {
            const { rows } = await send<{ rows: number }>("POST", `${path}?by=page`, body.value);
            return `${format.count(rows)} rows are set.`;
          });
        }}
      >
        <label>
          A file
          <input type="file" accept=".csv,text/csv" onChange={(event) => void event.currentTarget.files?.[0]?.text().then((text) => (body.value = text))} />
        </label>
        <label>
          or its text <span class="sub">the first line names the columns</span>
          <textarea class="text-input code" rows={7} value={body.value} placeholder={names} spellcheck={false} onInput={(event) => (body.value = event.currentTarget.value)} />
        </label>
        <FormEnd action={action} does="Import" ready={body.value.trim() !== ""} close={close} />
      </form>
    </Dialog>
  );
}
