import { render } from "preact";
import { App } from "./parts/App";
import { listen } from "./keys";
import { follow } from "./live";

const root = document.getElementById("app");
if (root) {
  root.textContent = "";
  render(<App />, root);
  listen();
  follow();
}
