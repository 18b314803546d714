import type { Signal } from "@preact/signals";

interface Props {
  legend: string;
  options: readonly (readonly [name: string, note: string])[];
  picked: Signal<readonly string[]>;
}

/** Any of several, in a form. */
export function Picks({ legend, options, picked }: Props) {
  const toggle = (name: string): void => {
    picked.value = picked.value.includes(name) ? picked.value.filter((one) => one !== name) : [...picked.value, name];
  };
  return (
    <fieldset class="picks">
      <legend>{legend}</legend>
      {options.map(([name, note]) => (
        <label key={name} class="check">
          <input type="checkbox" checked={picked.value.includes(name)} onChange={() => toggle(name)} /> {name} <span class="sub">{note}</span>
        </label>
      ))}
    </fieldset>
  );
}
