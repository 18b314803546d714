import { useEffect, useRef } from "preact/hooks";
import type { Page } from "../address";
import { LETTERS } from "../keys";
import { maySee } from "../session";
import { toPage, view } from "../state";

export const TITLES: Record<Page, string> = {
  overview: "Overview",
  search: "Search",
  delivery: "Delivery",
  builds: "Builds",
  work: "Work",
  propels: "Propels",
  integrations: "Integrations",
  dashboards: "Dashboards",
  admin: "Administration",
  welcome: "Welcome",
};

const ICONS: Partial<Record<Page, string>> = {
  overview: "M2.5 9.5V13M6.2 6.5V13M9.8 8V13M13.5 3V13",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9zM10.3 10.3 14 14",
  delivery: "M2 8h9.5M8.5 4.5 12 8l-3.5 3.5M14 3.5v9",
  builds: "M8 1.8 13.6 5v6L8 14.2 2.4 11V5zM2.6 5.1 8 8.2l5.4-3.1M8 8.2v5.9",
  work: "M2.5 3h11v10h-11zM6.2 3v10M9.9 3v10",
  propels: "M9 1.8 3.5 9H8l-1 5.2L12.5 7H8z",
  dashboards: "M2.5 2.5h4.7v5H2.5zM9 2.5h4.5v3H9zM9 7.3h4.5v6.2H9zM2.5 9.3h4.7v4.2H2.5z",
  admin: "M8 1.8 13 3.6V8c0 3.2-2.1 5.3-5 6.2C5.1 13.3 3 11.2 3 8V3.6zM6 8l1.5 1.5L10.3 6.4",
  integrations: "M5.5 2v3.5M10.5 2v3.5M3.5 5.5h9V8a4.5 4.5 0 0 1-9 0zM8 12.5V15",
};

/** The pages one may see, with their keys. */
export const places = (): [letter: string, page: Page][] => Object.entries(LETTERS).filter(([, page]) => maySee(page));

/** The pages. Each keeps the team, the project and the window. */
export function Nav() {
  const nav = useRef<HTMLElement>(null);
  const { page: current } = view.value;
  useEffect(() => {
    // Where the pages stand side by side, the one that is shown may be out of sight.
    const link = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (nav.current && link) nav.current.scrollLeft = link.offsetLeft - (nav.current.clientWidth - link.clientWidth) / 2;
  }, [current]);
  return (
    <nav class="rail" aria-label="Pages" ref={nav}>
      <ul>
        {places().map(([letter, page]) => (
          <li key={page}>
            <a href={toPage(page)} aria-current={current === page ? "page" : undefined} aria-keyshortcuts={`g ${letter}`} title={`g ${letter}`}>
              <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d={ICONS[page]} />
              </svg>
              {TITLES[page]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
