//! Why a text was found: the part of it around the first match, with the matches marked.

use std::ops::Range;

use super::matching::word_places;
use super::{Filter, Match, wildcard, words};

/// Longest marked part of a text, in characters.
pub const MARKED_CHARS_MAX: usize = 240;
/// Characters before the first match.
const BEFORE_CHARS: usize = 60;
/// Stands where text was left out.
const LEFT_OUT: char = '…';

/// The part of a text around what `filter` finds in it: plain, matching, plain, matching and so on, so that no sign in
/// the text can pose as a mark. None when nothing in it matches. `name` is `title` or `text`.
pub fn marked(filter: &Filter, name: &str, text: &str) -> Option<Vec<String>> {
    let places = matches(filter, name, text);
    let shown = shown(text, places.first()?.start);
    let mut parts = vec![if shown.start > 0 { LEFT_OUT.to_string() } else { String::new() }];
    let mut at = shown.start;
    for place in places.into_iter().take_while(|place| place.end <= shown.end) {
        parts.last_mut()?.push_str(&text[at..place.start]);
        parts.push(text[place.clone()].to_owned());
        parts.push(String::new());
        at = place.end;
    }
    let rest = parts.last_mut()?;
    rest.push_str(&text[at..shown.end]);
    if shown.end < text.len() {
        rest.push(LEFT_OUT);
    }
    Some(parts)
}

/// Where something matches, in order and apart from each other.
fn matches(filter: &Filter, name: &str, text: &str) -> Vec<Range<usize>> {
    let wanted = filter.wanted();
    let wanted: Vec<&Match> =
        wanted.iter().filter(|(field, _)| field.is_none_or(|field| field == name)).map(|(_, is)| *is).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let places: Vec<Range<usize>> = word_places(text).collect();
    let there: Vec<String> = places.iter().map(|place| text[place.clone()].to_lowercase()).collect();
    let mut found: Vec<Range<usize>> = wanted
        .into_iter()
        .flat_map(|is| of_one(is, &there))
        .map(|r| places[r.start].start..places[r.end - 1].end)
        .collect();
    found.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    found.dedup_by(|next, kept| next.start < kept.end);
    found
}

/// Where one term matches, in words.
fn of_one(is: &Match, there: &[String]) -> Vec<Range<usize>> {
    match is {
        Match::Word(wanted) | Match::Phrase(wanted) => {
            let wanted = words(wanted);
            let windows = there.windows(wanted.len().max(1)).enumerate();
            let hits = windows.filter(|(_, window)| *window == wanted);
            hits.map(|(start, _)| start..start + wanted.len()).collect()
        }
        Match::Wildcard(pattern) => {
            let pattern = pattern.to_lowercase();
            let hits = there.iter().enumerate().filter(|(_, word)| wildcard(word, &pattern));
            hits.map(|(at, _)| at..at + 1).collect()
        }
        Match::Exists | Match::Range(..) => Vec::new(),
    }
}

/// What is shown of a text whose first match begins at `first`.
fn shown(text: &str, first: usize) -> Range<usize> {
    let before = text[..first].char_indices().rev().nth(BEFORE_CHARS - 1).map_or(0, |(at, _)| at);
    let end = text[before..].char_indices().nth(MARKED_CHARS_MAX).map_or(text.len(), |(at, _)| before + at);
    before..end
}
