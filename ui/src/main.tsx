import { render } from "preact";
import { App } from "./parts/App";
import { follow } from "./live";

const root = document.getElementById("app");
if (root) {
  root.textContent = "";
  render(<App />, root);
  follow();
}
