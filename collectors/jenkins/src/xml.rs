//! XML as `XStream` writes it, read into small trees.
//!
//! The reader forgives: XML 1.1, odd encodings, unknown entities and broken ends all give the tree of what could be read,
//! with a note of what is wrong. Invariant: memory is bounded by [`Limits`] whatever the file holds, and nothing outside
//! the file is ever read: entities are not expanded.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::encoding::Utf8Reader;
use crate::notes::Note;

/// How much of a file is read.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "a limit ends in max")]
pub(crate) struct Limits {
    pub(crate) bytes_max: u64,
    pub(crate) elements_max: usize,
    pub(crate) depth_max: usize,
    pub(crate) text_bytes_max: usize,
}

impl Limits {
    /// Far above any build that Jenkins itself can still show.
    pub(crate) const BUILD: Self =
        Self { bytes_max: 64 << 20, elements_max: 200_000, depth_max: 128, text_bytes_max: 64 << 10 };
    /// For files read piece by piece: the limit on elements is one of the piece.
    pub(crate) const STREAM: Self = Self { bytes_max: 512 << 20, elements_max: 20_000, ..Self::BUILD };
}

/// Elements of a file or of a piece of it, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    elements: Vec<Element>,
    pub(crate) notes: Vec<Note>,
}

#[derive(Debug)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    parent: Option<usize>,
    children: Vec<usize>,
}

/// One element of a tree.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    tree: &'a Tree,
    at: usize,
}

/// Reads a file whole. A file that cannot be opened is a tree without elements and with a note.
pub(crate) fn read(path: &Path, limits: Limits) -> Tree {
    read_pieces(path, limits, None, &mut |_| {})
}

/// Reads a file piece by piece: every element named `piece` goes to `each` and is forgotten; the rest is given back.
pub(crate) fn read_each(path: &Path, limits: Limits, piece: &str, each: &mut dyn FnMut(Tree)) -> Tree {
    read_pieces(path, limits, Some(piece), each)
}

fn read_pieces(path: &Path, limits: Limits, piece: Option<&str>, each: &mut dyn FnMut(Tree)) -> Tree {
    match File::open(path).and_then(|file| Utf8Reader::sniff(file.take(limits.bytes_max))) {
        Ok(source) => parse(source, limits, piece, each),
        Err(error) => Tree { notes: vec![Note::new("unreadable", error.to_string())], ..Tree::default() },
    }
}

fn parse<R: Read>(source: Utf8Reader<R>, limits: Limits, piece: Option<&str>, each: &mut dyn FnMut(Tree)) -> Tree {
    let mut reader = Reader::from_reader(BufReader::new(source));
    reader.config_mut().allow_dangling_amp = true;
    reader.config_mut().allow_unmatched_ends = true;
    let mut builder = Builder { limits, piece, each, tree: Tree::default(), open: Vec::new(), too_deep: 0 };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break,
            Ok(event) => {
                if builder.take(event).is_break() {
                    builder.open.clear();
                    break;
                }
            }
            Err(error) => {
                builder.note("damaged", format!("{error} at byte {}", reader.error_position()));
                break;
            }
        }
    }
    if let Some(&at) = builder.open.last() {
        let name = builder.tree.elements[at].name.clone();
        builder.note("damaged", format!("ends within <{name}>"));
    }
    let source = reader.get_ref().get_ref();
    if source.replaced() {
        builder.note("encoding", "holds bytes that are no text in its encoding; replaced".into());
    }
    if let Some(name) = source.unknown() {
        builder.note("encoding", format!("names the unknown encoding `{name}`; read as utf-8"));
    }
    if reader.buffer_position() >= limits.bytes_max {
        builder.note("truncated", format!("only the first {} bytes were read", limits.bytes_max));
    }
    builder.tree
}

struct Builder<'a> {
    limits: Limits,
    piece: Option<&'a str>,
    each: &'a mut dyn FnMut(Tree),
    tree: Tree,
    /// Elements whose end has not come yet, outermost first.
    open: Vec<usize>,
    /// Open elements below the limit of depth.
    too_deep: usize,
}

impl Builder<'_> {
    /// Takes one event in; `Break` when a limit says that is enough.
    fn take(&mut self, event: Event<'_>) -> ControlFlow<()> {
        match event {
            Event::Start(start) => return self.start(&start),
            Event::Empty(start) => {
                self.start(&start)?;
                self.end();
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml_content(quick_xml::XmlVersion::Explicit1_1)),
            Event::CData(text) => self.text(&text.into_inner()),
            Event::GeneralRef(reference) => self.text(&resolve(&reference)),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => {}
        }
        ControlFlow::Continue(())
    }

    fn start(&mut self, start: &BytesStart<'_>) -> ControlFlow<()> {
        if self.open.len() >= self.limits.depth_max {
            if self.too_deep == 0 {
                self.note("truncated", format!("elements deeper than {} were left out", self.limits.depth_max));
            }
            self.too_deep += 1;
            return ControlFlow::Continue(());
        }
        if self.tree.elements.len() >= self.limits.elements_max {
            self.note("truncated", format!("only the first {} elements were read", self.limits.elements_max));
            return ControlFlow::Break(());
        }
        let mut attributes = start.attributes();
        let attributes = attributes.with_checks(false).flatten();
        let attributes = attributes.map(|attribute| (attribute.key.as_ref().to_owned(), unescape(&attribute.value)));
        let element = Element {
            name: class_name(start.name().as_ref()),
            attributes: attributes.collect(),
            text: String::new(),
            parent: self.open.last().copied(),
            children: Vec::new(),
        };
        let at = self.tree.elements.len();
        self.tree.elements.push(element);
        if let Some(&parent) = self.open.last() {
            self.tree.elements[parent].children.push(at);
        }
        self.open.push(at);
        ControlFlow::Continue(())
    }

    fn end(&mut self) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let Some(at) = self.open.pop() else { return };
        if self.piece.is_some_and(|piece| piece == self.tree.elements[at].name) {
            let piece = self.tree.split_off(at);
            (self.each)(piece);
        }
    }

    fn text(&mut self, text: &str) {
        if self.too_deep > 0 {
            return;
        }
        let Some(&at) = self.open.last() else { return };
        let held = &mut self.tree.elements[at].text;
        let room = self.limits.text_bytes_max.saturating_sub(held.len());
        held.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room {
            let name = self.tree.elements[at].name.clone();
            self.note("truncated", format!("text of <{name}> was cut at {} bytes", self.limits.text_bytes_max));
        }
    }

    fn note(&mut self, code: &'static str, message: String) {
        let note = Note::new(code, message);
        if !self.tree.notes.contains(&note) {
            self.tree.notes.push(note);
        }
    }
}

impl Tree {
    /// The outermost element; None for an empty or unreadable file.
    pub(crate) fn root(&self) -> Option<Node<'_>> {
        (!self.elements.is_empty()).then_some(Node { tree: self, at: 0 })
    }

    /// Moves an element with all below it into a tree of its own. Elements are in document order, so these are the last.
    fn split_off(&mut self, at: usize) -> Self {
        let mut elements = self.elements.split_off(at);
        if let Some(parent) = elements[0].parent.take() {
            self.elements[parent].children.pop();
        }
        for element in &mut elements {
            element.parent = element.parent.map(|parent| parent - at);
            element.children.iter_mut().for_each(|child| *child -= at);
        }
        Self { elements, notes: Vec::new() }
    }
}

impl<'a> Node<'a> {
    /// Class or field name, decoded: `hudson.model.Cause$UserIdCause`.
    pub(crate) fn name(self) -> &'a str {
        &self.element().name
    }

    /// Text directly in it, trimmed.
    pub(crate) fn text(self) -> &'a str {
        self.element().text.trim()
    }

    /// Text directly in it as it stands.
    pub(crate) fn exact_text(self) -> &'a str {
        &self.element().text
    }

    /// Value of an attribute.
    pub(crate) fn attribute(self, name: &str) -> Option<&'a str> {
        self.element().attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Elements directly in it, references followed.
    pub(crate) fn children(self) -> impl Iterator<Item = Node<'a>> {
        self.element().children.iter().map(move |&at| Node { at, ..self }.target())
    }

    /// First child of that name, references followed.
    pub(crate) fn child(self, name: &str) -> Option<Node<'a>> {
        let at = self.element().children.iter().copied().find(|&at| self.tree.elements[at].name == name)?;
        Some(Node { at, ..self }.target())
    }

    /// The element at the end of a path of names.
    pub(crate) fn at(self, path: &[&str]) -> Option<Node<'a>> {
        path.iter().try_fold(self, |node, name| node.child(name))
    }

    /// Text of a child, None when absent or empty.
    pub(crate) fn value(self, name: &str) -> Option<&'a str> {
        self.child(name).map(Node::text).filter(|text| !text.is_empty())
    }

    /// Text of a child as a number.
    pub(crate) fn integer(self, name: &str) -> Option<i64> {
        self.value(name)?.parse().ok()
    }

    /// Has no elements in it.
    pub(crate) fn is_leaf(self) -> bool {
        self.element().children.is_empty()
    }

    /// All elements below it, in document order, references not followed.
    pub(crate) fn descendants(self) -> impl Iterator<Item = Node<'a>> {
        let mut waiting: Vec<usize> = self.element().children.iter().rev().copied().collect();
        std::iter::from_fn(move || {
            let at = waiting.pop()?;
            waiting.extend(self.tree.elements[at].children.iter().rev());
            Some(Node { at, ..self })
        })
    }

    fn element(self) -> &'a Element {
        &self.tree.elements[self.at]
    }

    /// `XStream` writes an object once and refers to it by a path after that. Stays put when the path leads nowhere.
    fn target(self) -> Self {
        let mut node = self;
        for _ in 0..8 {
            let Some(path) = node.attribute("reference") else { return node };
            match node.walk(path) {
                Some(next) if next.at != node.at => node = next,
                Some(_) | None => return node,
            }
        }
        node
    }

    fn walk(self, path: &str) -> Option<Self> {
        let start = if path.starts_with('/') { Self { at: 0, ..self } } else { self };
        // The first step of an absolute path names the root itself.
        let skipped = usize::from(path.starts_with('/'));
        path.split('/').filter(|step| !step.is_empty()).skip(skipped).try_fold(start, Self::step)
    }

    fn step(self, step: &str) -> Option<Self> {
        if step == ".." {
            return self.element().parent.map(|at| Self { at, ..self });
        }
        let (name, index) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
            Some((name, index)) => (name, index.parse::<usize>().ok()?.checked_sub(1)?),
            None => (step, 0),
        };
        let name = class_name(name);
        let mut named = self.element().children.iter().filter(|&&at| self.tree.elements[at].name == name);
        named.nth(index).map(|&at| Self { at, ..self })
    }
}

/// `XStream` cannot write `$` and `_` in names as they are.
fn class_name(name: &str) -> String {
    name.replace("_-", "$").replace("__", "_")
}

/// Class without package and outer class.
pub(crate) fn simple_name(class: &str) -> &str {
    class.rsplit(['.', '$']).next().unwrap_or(class)
}

fn unescape(text: &str) -> String {
    let mut parts = text.split('&');
    let mut unescaped = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(';') {
            Some((reference, rest)) => unescaped.extend([&resolve(reference), rest]),
            None => unescaped.extend(["&", part]),
        }
    }
    unescaped
}

fn resolve(reference: &str) -> String {
    if let Some(number) = reference.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        let resolved = code.ok().filter(|code| *code != 0).and_then(char::from_u32);
        return resolved.unwrap_or(char::REPLACEMENT_CHARACTER).into();
    }
    match reference {
        "lt" => "<".into(),
        "gt" => ">".into(),
        "amp" => "&".into(),
        "quot" => "\"".into(),
        "apos" => "'".into(),
        unknown => format!("&{unknown};"),
    }
}

#[cfg(test)]
pub(crate) fn parse_text(text: &str) -> Tree {
    parse(Utf8Reader::sniff(text.as_bytes()).unwrap(), Limits::BUILD, None, &mut |_| {})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(tree: &Tree) -> Vec<&str> {
        tree.notes.iter().map(|note| note.code).collect()
    }

    #[test]
    fn reads_what_xstream_writes() {
        let tree = parse_text(
            "<?xml version='1.1' encoding='UTF-8'?><a.B_-C__d plugin=\"x@1\"><!-- no --><e>1 &lt; &#x1b;&#0;</e><f reference=\"../e\"/>\
             <list><string>x</string><string>y</string></list><g reference=\"../list/string[2]\"/><h reference=\"/a.B_-C__d/e\"/></a.B_-C__d>",
        );
        let root = tree.root().unwrap();
        assert_eq!((root.name(), root.attribute("plugin")), ("a.B$C_d", Some("x@1")));
        let values = ["e", "f", "g", "h"].map(|name| root.value(name).unwrap());
        assert_eq!(values, ["1 < \u{1b}\u{FFFD}", "1 < \u{1b}\u{FFFD}", "y", "1 < \u{1b}\u{FFFD}"]);
        assert!(tree.notes.is_empty(), "{:?}", tree.notes);
    }

    #[test]
    fn keeps_what_comes_before_the_damage() {
        for (broken, code) in
            [("<a><b>1</b><c", "damaged"), ("<a><b>1</b></x></a>", "damaged"), ("<a><b>1</b>", "damaged")]
        {
            let tree = parse_text(broken);
            assert_eq!((tree.root().unwrap().value("b"), notes(&tree).contains(&code)), (Some("1"), true), "{broken}");
        }
        for nothing in [
            "",
            "   ",
            "\u{0}\u{1}",
            "not xml & at all",
            "]]>",
            "<",
            "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>",
        ] {
            assert!(parse_text(nothing).root().is_none(), "{nothing}");
        }
    }

    #[test]
    fn entities_stay_what_they_are() {
        let tree = parse_text("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b; & c</a>");
        assert_eq!(tree.root().unwrap().text(), "&b; & c");
    }

    #[test]
    fn references_in_a_circle_end() {
        let tree = parse_text("<a><b reference='../c'/><c reference='../b'/><d reference='.././../..'/></a>");
        assert!(["b", "c", "d"].iter().all(|name| tree.root().unwrap().child(name).is_some()));
    }

    #[test]
    fn limits_hold_at_and_beyond() {
        let limits = Limits { bytes_max: 1000, elements_max: 3, depth_max: 2, text_bytes_max: 4 };
        let check = |text: &str| {
            let source = Utf8Reader::sniff(text.as_bytes()).unwrap();
            parse(source, limits, None, &mut |_| {}).notes.len()
        };
        assert_eq!([check("<a><b/><c/></a>"), check("<a><b/><c/><d/></a>")], [0, 1]);
        assert_eq!([check("<a><b>x</b></a>"), check("<a><b><c>x</c></b></a>")], [0, 1]);
        assert_eq!([check("<a>1234</a>"), check("<a>123ü</a>")], [0, 1]);
        let deep = "<a>".repeat(100_000);
        assert!(parse_text(&deep).elements.len() <= Limits::BUILD.depth_max);
    }

    #[test]
    fn pieces_are_handed_over_and_forgotten() {
        let mut seen = Vec::new();
        let text = "<m><e><s>1</s><Tag><n><id>1</id></n></Tag></e><e><Tag><n><id>2</id></n></Tag></e></m>";
        let source = Utf8Reader::sniff(text.as_bytes()).unwrap();
        let rest = parse(source, Limits::STREAM, Some("Tag"), &mut |piece| {
            seen.push(piece.root().unwrap().child("n").unwrap().integer("id").unwrap());
        });
        assert_eq!((seen, rest.elements.len()), (vec![1, 2], 4));
    }
}
