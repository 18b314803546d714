import { render } from "preact";
import { App } from "./parts/App";
import { listen } from "./keys";
import { follow } from "./live";
import { whoAmI } from "./session";

const root = document.getElementById("app");
if (root) {
  root.textContent = "";
  render(<App />, root);
  listen();
  void whoAmI().then(follow);
}
