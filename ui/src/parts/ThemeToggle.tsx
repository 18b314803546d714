import { effect, signal } from "@preact/signals";

type Theme = "light" | "dark";

const system = matchMedia("(prefers-color-scheme: dark)");
const chosen = signal(document.documentElement.dataset["theme"] as Theme | undefined);
const preferred = signal<Theme>(system.matches ? "dark" : "light");

system.addEventListener("change", () => {
  preferred.value = system.matches ? "dark" : "light";
});

effect(() => {
  const theme = chosen.value;
  if (theme === undefined) return;
  document.documentElement.dataset["theme"] = theme;
  try {
    localStorage.setItem("weir-theme", theme);
  } catch {
    // Storage can be forbidden; the choice then lasts until the page is left.
  }
});

export function ThemeToggle() {
  const other: Theme = (chosen.value ?? preferred.value) === "dark" ? "light" : "dark";
  return (
    <button type="button" class="icon theme" aria-label={`Use the ${other} theme`} title={`Use the ${other} theme`} onClick={() => (chosen.value = other)}>
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
        <circle cx="10" cy="10" r="7" class="ring" />
        <path d="M10 3a7 7 0 0 1 0 14z" class="half" />
      </svg>
    </button>
  );
}
