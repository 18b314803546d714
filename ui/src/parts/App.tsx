import { useEffect, useRef } from "preact/hooks";
import { announcement } from "../live";
import { CONTENT } from "../pages";
import { Panel } from "../panel/Panel";
import { view } from "../state";
import { Header } from "./Header";
import { Help } from "./Help";
import { KeyBox } from "./KeyBox";
import { Nav, TITLES } from "./Nav";
import { Unreachable } from "./Notice";

export function App() {
  const main = useRef<HTMLElement>(null);
  const { page } = view.value;
  const entered = useRef(page);
  const Content = CONTENT[page];
  useEffect(() => {
    document.title = page === "overview" ? "Weir" : `${TITLES[page]} – Weir`;
    if (entered.current === page) return;
    entered.current = page;
    // Those who go by keyboard or ear are where the new page begins.
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [page]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <Header />
      <div class="frame">
        <Nav />
        <main id="main" ref={main} tabIndex={-1} aria-label={TITLES[page]}>
          <Unreachable />
          <KeyBox />
          <Content key={page} />
        </main>
      </div>
      <p class="hidden" role="status">
        {announcement}
      </p>
      <Panel />
      <Help />
    </>
  );
}

// The part of the address after `#` is the state of the app, so the link moves the focus itself.
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
