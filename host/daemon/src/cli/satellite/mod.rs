//! The configuration of SEI's ingestion satellite, made into one of ours.
//!
//! Invariant: what cannot be taken over is told by name, and no secret stands in the text that comes out.

mod applications;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cli::init::TEMPLATE;
use crate::config::Config;
use crate::error::Fault;
use applications::{Application, Auth};
use tree::Tree;

/// Folder of the secrets, beside the configuration.
pub(super) const SECRETS: &str = "secrets";

/// What a file becomes.
#[derive(Debug, Default)]
pub(super) struct Imported {
    /// The configuration.
    pub(super) toml: String,
    /// Secrets, by name of their file below [`SECRETS`].
    pub(super) secrets: BTreeMap<String, String>,
    /// What was not taken over, and why.
    pub(super) notes: Vec<String>,
    names: BTreeSet<String>,
}

/// Reads `yaml`.
pub(super) fn import(yaml: &str, host: &str) -> Result<Imported, Fault> {
    let root = Tree::new(parse(yaml)?);
    let mut imported = Imported::default();
    let mut integrations = String::new();
    for (index, entry) in root.list("integrations").iter().enumerate() {
        match imported.integration(entry, index) {
            Ok(text) => integrations += &text,
            Err(note) => {
                entry.leave();
                imported.notes.push(note);
            }
        }
    }
    imported.satellite(&root);
    imported.notes.extend(root.unread().into_iter().map(|path| format!("{path}: nothing of ours is like it")));
    imported.toml = imported.text(host, &integrations);
    Config::parse(&imported.toml, "the imported configuration")
        .map_err(|error| Fault::host("the configuration that came out is none").caused_by(error))?;
    Ok(imported)
}

fn parse(yaml: &str) -> Result<Value, Fault> {
    let encrypted = || {
        Fault::config("the file is encrypted, and its key is not ours")
            .hint("decrypt it with the tool that encrypted it and import the plain file; the secrets go to files of their own")
    };
    // What OpenSSL and Jasypt write, and text that is a single word.
    if yaml.trim_start().starts_with("U2FsdGVkX1") || yaml.contains("ENC(") {
        return Err(encrypted());
    }
    match serde_saphyr::from_str::<Value>(yaml) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        Ok(Value::String(_)) => Err(encrypted()),
        Ok(_) => Err(Fault::config("the file is no satellite.yml").hint("it has `satellite` and `integrations`")),
        Err(error) => Err(Fault::config("the file is no YAML").hint("name the plain satellite.yml").caused_by(error)),
    }
}

impl Imported {
    /// The `[[integration]]` of an entry, or why there is none.
    fn integration(&mut self, entry: &Tree, index: usize) -> Result<String, String> {
        let place = format!("integrations[{index}]");
        let word = entry.text("application").ok_or_else(|| format!("{place}: it names no application"))?;
        let application = Application::named(&word)
            .ok_or_else(|| format!("{place}: there is no connector for `{word}`; the others are taken over"))?;
        let id = entry.text("id");
        let name = self.name(&application, id.as_deref(), index);
        let mut text = format!("\n[[integration]]\nname = {}\n", quoted(&name));
        text += &id.map(|id| format!("aliases = [{}]\n", quoted(&id))).unwrap_or_default();
        text += &format!("plugin = {}\n", quoted(application.plugin));
        text += &self.settings(entry, &application, &place);
        let url = entry.text("url").or_else(|| application.url.map(str::to_owned));
        let url = url.ok_or_else(|| format!("{place}: it has no url"))?;
        text += &format!("[integration.connection]\nurl = {}\n", quoted(&application.api(&url)));
        if entry.text("satellite").as_deref() == Some("true") {
            text +=
                "private = true # a satellite stands where the tool is: its name may lead into the company's network\n";
        }
        text += &self.auth(entry, &application, &name, &place);
        self.names.insert(name);
        Ok(text)
    }

    /// The name of the tool, with the id of the entry where there are several.
    fn name(&self, application: &Application, id: Option<&str>, index: usize) -> String {
        let tool = plain(application.plugin.trim_start_matches("connector-"));
        let with_id = id.map(|id| plain(&format!("{tool}-{id}")));
        let free = [Some(tool.clone()), with_id].into_iter().flatten().find(|name| !self.names.contains(name));
        free.unwrap_or_else(|| format!("{tool}-entry-{index}"))
    }

    fn settings(&mut self, entry: &Tree, application: &Application, place: &str) -> String {
        let metadata = entry.child("metadata");
        let mut settings: Vec<String> = application.fixed.iter().map(|fixed| (*fixed).to_owned()).collect();
        for (theirs, ours) in application.lists {
            let values = metadata.texts(theirs);
            let quoted: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            if !quoted.is_empty() {
                settings.push(format!("{ours} = [{}]", quoted.join(", ")));
            }
        }
        for (theirs, ours) in application.texts {
            settings.extend(metadata.text(theirs).map(|value| format!("{ours} = {}", quoted(&value))));
        }
        for (name, value) in metadata.flags("fetch_") {
            if !value {
                self.notes
                    .push(format!("{place}.metadata.{name}: everything is read; `datasets` in the settings limits it"));
            }
        }
        let needs = application.needs.filter(|needs| !settings.iter().any(|setting| setting.starts_with(needs)));
        if let Some(needs) = needs {
            settings.push(format!("{needs} = []"));
            self.notes.push(format!("{place}: fill in `{needs}` of its settings"));
        }
        if settings.is_empty() { String::new() } else { format!("settings = {{ {} }}\n", settings.join(", ")) }
    }

    fn auth(&mut self, entry: &Tree, application: &Application, name: &str, place: &str) -> String {
        let user = entry.text("username").or_else(|| entry.text("user_name"));
        let Some(secret) = entry.text("api_key").or_else(|| entry.text("password")) else {
            self.notes.push(format!("{place}: it has no api_key; add `auth` to its connection"));
            return String::new();
        };
        let file = format!("{name}.secret");
        let place = format!("{{ file = {} }}", quoted(&format!("{SECRETS}/{file}")));
        let (text, secret) = match (&application.auth, user) {
            (Auth::Basic | Auth::BasicOrBearer, Some(user)) => {
                (format!("{{ kind = \"basic\", user = {}, password = {place} }}", quoted(&user)), secret)
            }
            (Auth::Basic, None) => (format!("{{ kind = \"basic\", user = \"\", password = {place} }}"), secret),
            (Auth::BasicOrBearer | Auth::Bearer, _) => (format!("{{ kind = \"bearer\", token = {place} }}"), secret),
            (Auth::Header { name, prefix }, _) => {
                let text = format!("{{ kind = \"header\", name = {}, value = {place} }}", quoted(name));
                (text, format!("{prefix}{secret}"))
            }
        };
        self.secrets.insert(file, secret);
        format!("auth = {text}\n")
    }

    /// What is said about the satellite itself.
    fn satellite(&mut self, root: &Tree) {
        let satellite = root.child("satellite");
        let (tenant, url) = (satellite.text("tenant"), satellite.text("url"));
        if satellite.text("api_key").is_some() {
            self.notes.push("satellite.api_key: it opens the other system, not this one; it was not kept".to_owned());
        }
        if let Some(url) = url {
            let tenant = tenant.map(|tenant| format!(" as `{tenant}`")).unwrap_or_default();
            self.notes
                .push(format!("satellite.url: results went to {url}{tenant}; here they stay, or go to `[central]`"));
        }
        for section in ["jira", "github", "gitlab"] {
            if root.child(section).text("allow_unsafe_ssl").as_deref() == Some("true") {
                self.notes.push(format!(
                    "{section}.allow_unsafe_ssl: certificates are always checked; add the authority to those the system trusts"
                ));
            }
        }
    }

    fn text(&self, host: &str, integrations: &str) -> String {
        let template = TEMPLATE.replace("{host}", host);
        let (head, rest) = template.split_once("\n# A Jenkins home").unwrap_or((&template, ""));
        let metrics = rest.find("[metrics]").map_or("", |at| &rest[at..]);
        let mut text = head.trim_end().to_owned() + "\n";
        if !self.notes.is_empty() {
            text += "\n# Not taken over from the satellite:\n";
            text += &self.notes.iter().map(|note| format!("# - {}\n", one_line(note))).collect::<String>();
        }
        format!("{text}{integrations}\n{metrics}")
    }
}

impl Imported {
    /// How many integrations were taken over.
    pub(super) fn n_integrations(&self) -> usize {
        self.names.len()
    }
}

/// A name of ours from any words.
fn plain(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(fits).take(weir_model::id::NAME_BYTES_MAX).collect()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests;
