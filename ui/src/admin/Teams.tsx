import * as format from "../format";
import { Box } from "../parts/Box";
import { List } from "../parts/List";
import { Coded, Empty } from "../parts/Notice";
import { address } from "../state";
import type { Team } from "../types";
import { useGet } from "../useResource";

/** The teams of the configuration. */
export function Teams() {
  const answer = useGet<{ teams: Team[] }>("/v1/teams", {}).value;
  return (
    <Box title="Teams" note={<Coded text="of weir.toml; `weir teams import` reads them from a table" />} answer={answer}>
      {({ teams }) =>
        teams.length === 0 ? (
          <Empty title="There is no team.">
            <p>
              <Coded text="A `[[team]]` in weir.toml names people and projects; docs/TEAMS.md has examples." />
            </p>
          </Empty>
        ) : (
          <List label="Teams" columns={["Name", "Part of", "Projects", "People"]} rows={teams} says={(team) => [team.name, team.parent, ...(team.projects ?? []), ...(team.people ?? []).map((person) => person.is)].join(" ")}>
            {(team) => (
              <tr key={team.name}>
                <th scope="row">
                  <a href={address({ page: "overview", team: team.name })}>{team.name}</a>
                </th>
                <td>{team.parent ?? format.MISSING}</td>
                <td>{team.projects?.join(", ") || format.MISSING}</td>
                <td>{team.people?.map((person) => person.is).join(", ") || format.MISSING}</td>
              </tr>
            )}
          </List>
        )
      }
    </Box>
  );
}
