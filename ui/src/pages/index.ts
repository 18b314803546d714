import type { ComponentType } from "preact";
import type { Page } from "../address";
import { BuildsPage } from "./Builds";
import { OverviewPage } from "./Overview";
import { SearchPage } from "./Search";

/** What each page shows. */
export const CONTENT: Partial<Record<Page, ComponentType>> = {
  overview: OverviewPage,
  search: SearchPage,
  builds: BuildsPage,
};
