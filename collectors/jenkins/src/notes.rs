//! What is wrong with a build's files, gathered while reading.
//!
//! Invariant: a note never replaces a report; it goes along in its `diagnostics`.

use weir_protocol::Diagnostic;

/// Most notes that go along with one report.
const NOTES_MAX: usize = 50;

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Note {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The notes of one build.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    diagnostics: Vec<Diagnostic>,
    n_left_out: usize,
}

impl Notes {
    pub(crate) fn add(&mut self, code: &str, subject: &str, message: impl Into<String>) {
        let diagnostic = Diagnostic { code: code.into(), subject: subject.into(), message: message.into() };
        if self.diagnostics.contains(&diagnostic) {
            return;
        }
        if self.diagnostics.len() < NOTES_MAX {
            self.diagnostics.push(diagnostic);
        } else {
            self.n_left_out += 1;
        }
    }

    pub(crate) fn add_all(&mut self, subject: &str, notes: Vec<Note>) {
        for note in notes {
            self.add(note.code, subject, note.message);
        }
    }

    pub(crate) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        if self.n_left_out > 0 {
            let message = format!("{} more were left out", self.n_left_out);
            self.diagnostics.push(Diagnostic { code: "truncated".into(), subject: "diagnostics".into(), message });
        }
        self.diagnostics
    }
}
