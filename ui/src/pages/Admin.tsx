import type { ComponentType } from "preact";
import { Audit } from "../admin/Audit";
import { Decommissions } from "../admin/Decommissions";
import { Erasures } from "../admin/Erasures";
import { Backups } from "../admin/Backups";
import { Exports } from "../admin/Exports";
import { Keys } from "../admin/Keys";
import { RetentionPreview } from "../admin/Retention";
import { Teams } from "../admin/Teams";
import { Users } from "../admin/Users";
import { PageHead } from "../parts/PageHead";
import { may } from "../session";
import { param, toPage } from "../state";
import type { Permission } from "../types";

interface Section {
  at: string;
  label: string;
  needs: Permission;
  parts: ComponentType[];
}

const SECTIONS: Section[] = [
  { at: "users", label: "Users and keys", needs: "access", parts: [Users, Keys] },
  { at: "teams", label: "Teams", needs: "personal", parts: [Teams] },
  { at: "audit", label: "Audit log", needs: "audit", parts: [Audit] },
  { at: "data", label: "Data", needs: "lifecycle", parts: [RetentionPreview, Erasures, Backups, Exports, Decommissions] },
];

/** Who may do what, what was done, and what becomes of the data. */
export function AdminPage() {
  const sections = SECTIONS.filter((section) => may(section.needs));
  const shown = sections.find((section) => section.at === param("at")) ?? sections[0];
  return (
    <>
      <PageHead title="Administration" note="who may do what, what was done, and what becomes of the data" />
      <nav aria-label="Parts of the administration">
        <ul class="chips tabs">
          {sections.map((section) => (
            <li key={section.at}>
              <a class="chip" href={toPage("admin", { at: section.at })} aria-current={section === shown ? "true" : undefined}>
                {section.label}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {shown?.parts.map((Part, index) => <Part key={shown.at + index} />)}
    </>
  );
}
