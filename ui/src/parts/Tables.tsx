import { useSignal } from "@preact/signals";
import { send } from "../api";
import { saveCsv } from "../chart/export";
import * as format from "../format";
import { may } from "../session";
import { param, show } from "../state";
import type { Column, Json, Row, TableShape } from "../types";
import { useAction } from "../useAction";
import { useDialog } from "../useDialog";
import { useGet } from "../useResource";
import { Act } from "./Act";
import { Age } from "./Age";
import { Answered } from "./Answered";
import { Box } from "./Box";
import { Chip } from "./Chip";
import { Dialog } from "./Dialog";
import { Form } from "./Form";
import { FormEnd } from "./FormEnd";
import { DO, List } from "./List";
import { Coded, Empty } from "./Notice";
import { Sure } from "./Sure";

/** Tables that rules write and people keep. */
export function Tables() {
  const answer = useGet<{ tables: TableShape[] }>("/v1/tables", {}).value;
  return (
    <Box title="Tables" answer={answer} lines={4}>
      {({ tables }) => {
        const table = tables.find((each) => each.name === param("table")) ?? tables[0];
        if (!table) {
          return (
            <Empty title="No table is kept.">
              <p>
                <Coded text="A `[[table]]` in weir.toml names its columns; rules, this page and `weir table import` fill it." />
              </p>
            </Empty>
          );
        }
        return (
          <>
            {tables.length > 1 && (
              <ul class="chips" aria-label="Tables">
                {tables.map((each) => (
                  <Chip key={each.name} name={each.name} pressed={each === table} pick={() => show({ params: { table: each.name } })} />
                ))}
              </ul>
            )}
            <Rows key={table.name} table={table} />
          </>
        );
      }}
    </Box>
  );
}

function Rows({ table }: { table: TableShape }) {
  const path = `/v1/tables/${encodeURIComponent(table.name)}`;
  const answer = useGet<{ rows: Row[] }>(path, {}).value;
  const { dialog, show, close } = useDialog();
  const names = table.columns.map((column) => column.name);
  const edit = (row?: Row): void => show(<Edit table={table} path={path} row={row} close={close} />);
  const remove = (row: Row): void =>
    show(
      <Sure
        title={`Remove ${row.key} from ${table.name}`}
        does="Remove it"
        close={close}
        act={async () => {
          await send("DELETE", `${path}/${encodeURIComponent(row.key)}`);
          return `${row.key} is removed.`;
        }}
      >
        <p>Its history stays.</p>
      </Sure>,
    );
  const rows = answer.data?.rows ?? [];
  return (
    <>
      <p class="inline">
        <strong>{table.name}</strong>
        {answer.data && <span class="sub">{format.count(rows.length)} rows</span>}
        <span class="takes">
          {may("tables") && (
            <>
              <Act does="New row" run={() => edit()} />
              <Act does="Import CSV" run={() => show(<Import table={table} path={path} close={close} />)} />
            </>
          )}
          <Act does="CSV" to={`of ${table.name}`} run={() => saveCsv(table.name, [names, ...rows.map((row) => names.map((name) => text(row[name])))])} />
        </span>
      </p>
      <Answered answer={answer} lines={4}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title="It has no rows.">
              <p>Rules write them, and so can you: a new row, or a file of them.</p>
            </Empty>
          ) : (
            <List label={`Rows of ${table.name}`} columns={[...names.map(format.words), "Changed", ...(may("tables") ? [DO] : [])]} rows={rows} says={(row) => names.map((name) => text(row[name])).join(" ")}>
              {(row) => (
                <tr key={row.key}>
                  {names.map((name) => (
                    <td key={name}>{text(row[name]) || <span class="dim">{format.MISSING}</span>}</td>
                  ))}
                  <td class="sub">
                    <Age at={row.at} /> by {row.by}, version {row.version}
                  </td>
                  {may("tables") && (
                    <td class="acts">
                      <Act does="Edit" to={row.key} run={() => edit(row)} />
                      <Act does="Remove" to={row.key} run={() => remove(row)} />
                    </td>
                  )}
                </tr>
              )}
            </List>
          )
        }
      </Answered>
      {dialog}
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
    await send("POST", path, Object.fromEntries(values));
    close();
    return "Saved.";
  };
  return (
    <Dialog title={row ? `${table.name}: ${row.key}` : `New row of ${table.name}`} close={close}>
      <Form submit={(form) => action.run(() => save(form))}>
        {table.columns.map((column) => (
          <label key={column.name}>
            {format.words(column.name)} {column.required && <span class="sub">needed</span>}
            <Field column={column} value={text(row?.[column.name] ?? (row ? null : column.default))} fixed={row !== undefined && column.name === table.key} />
          </label>
        ))}
        <FormEnd action={action} does="Save" leave="Cancel" close={close} />
      </Form>
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
      <Form
        submit={() =>
          action.run(async () => {
            const { rows } = await send<{ rows: number }>("POST", path, body.value);
            return `${format.count(rows)} rows are set.`;
          })
        }
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
      </Form>
    </Dialog>
  );
}
