//! Patterns over names with "/" between their parts: `*` and `?` stay within a part, `**` does not.

/// One piece of a pattern.
#[derive(Clone, Copy)]
enum Piece {
    Letter(char),
    /// `?`
    One,
    /// `*`
    Many,
    /// `**/`: any number of whole parts, none too.
    Parts,
    /// `**`
    Rest,
}

/// Whether the whole of `name` is as `pattern` says.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    // Places in the name up to which the pieces so far can reach: no going back, so no pattern is slow.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for piece in pieces(pattern) {
        reached = after(piece, &name, &reached);
    }
    reached.last() == Some(&true)
}

fn after(piece: Piece, name: &[char], before: &[bool]) -> Vec<bool> {
    let mut reached = vec![false; before.len()];
    // What `**/` can still pass over, once it has begun at the start of a part.
    let mut passing = false;
    for at in 0..before.len() {
        let last = at.checked_sub(1).and_then(|last| name.get(last).copied());
        let from_last = at > 0 && before[at - 1];
        let grown = at > 0 && reached[at - 1];
        reached[at] = match piece {
            Piece::Letter(letter) => from_last && last == Some(letter),
            Piece::One => from_last && last != Some('/'),
            Piece::Many => before[at] || (grown && last != Some('/')),
            Piece::Rest => before[at] || grown,
            Piece::Parts => before[at] || (passing && last == Some('/')),
        };
        passing |= before[at];
    }
    reached
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        let (piece, taken) = match letter {
            '*' if rest.starts_with("**/") => (Piece::Parts, 3),
            '*' if rest.starts_with("**") => (Piece::Rest, 2),
            '*' => (Piece::Many, 1),
            '?' => (Piece::One, 1),
            letter => (Piece::Letter(letter), letter.len_utf8()),
        };
        pieces.push(piece);
        rest = &rest[taken..];
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_know_where_a_part_ends() {
        let fits =
            ["**", "Team/**", "Team/*/main", "**/main", "T??m/api/main", "**/api/**", "Team/api/main", "*/*/m*n"];
        let does_not = ["*", "Team/*", "Team", "main", "**/ain", "team/**", "Team/api/main/", "Team/?/main", ""];
        for pattern in fits {
            assert!(matches(pattern, "Team/api/main"), "{pattern}");
        }
        for pattern in does_not {
            assert!(!matches(pattern, "Team/api/main"), "{pattern}");
        }
        assert!(matches("**/main", "main") && matches("deploy-*", "deploy-prod") && matches("ä*", "ähre"));
        assert!(!matches(&"*a".repeat(200), &"a".repeat(100)));
    }
}
