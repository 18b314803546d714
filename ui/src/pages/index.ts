import type { ComponentType } from "preact";
import type { Page } from "../address";
import { AdminPage } from "./Admin";
import { BuildsPage } from "./Builds";
import { DashboardsPage } from "./Dashboards";
import { DeliveryPage } from "./Delivery";
import { IntegrationsPage } from "./Integrations";
import { OverviewPage } from "./Overview";
import { PropelsPage } from "./Propels";
import { SearchPage } from "./Search";
import { WelcomePage } from "./Welcome";
import { WorkPage } from "./Work";

/** What each page shows. */
export const CONTENT: Record<Page, ComponentType> = {
  overview: OverviewPage,
  search: SearchPage,
  delivery: DeliveryPage,
  builds: BuildsPage,
  work: WorkPage,
  propels: PropelsPage,
  integrations: IntegrationsPage,
  dashboards: DashboardsPage,
  admin: AdminPage,
  welcome: WelcomePage,
};
