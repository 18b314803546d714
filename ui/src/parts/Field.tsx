import type { ComponentChildren } from "preact";

type Kind = "text" | "password" | "date" | "number";

interface Props {
  /** Its name in the form. */
  name: string;
  label: string;
  /** What to know about it. */
  note?: ComponentChildren;
  kind?: Kind;
  value?: string;
  needed?: boolean;
  fixed?: boolean;
  least?: number;
  fills?: string;
  placeholder?: string;
}

/** One line of a form. */
export function Field({ name, label, note, kind = "text", value = "", needed = false, fixed = false, least, fills = "off", placeholder }: Props) {
  return (
    <label>
      {label} {note && <span class="sub">{note}</span>}
      <input
        class="text-input"
        type={kind as "text"}
        name={name}
        defaultValue={value}
        required={needed}
        readOnly={fixed}
        autocomplete={fills}
        {...(least === undefined ? {} : { minLength: least })}
        {...(placeholder === undefined ? {} : { placeholder })}
        {...(name === "password" || name === "name" ? { spellcheck: false, autocapitalize: "none" } : {})}
      />
    </label>
  );
}

/** What stands in a form, by name. */
export function entered(form: HTMLFormElement): Record<string, string> {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));
}

/** Names with commas between them. */
export const names = (text: string | undefined): string[] => (text ?? "").split(",").map((name) => name.trim()).filter(Boolean);
