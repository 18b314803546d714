//! World `propel`.

use std::marker::PhantomData;

use weir_model::{Reference, Timestamp};

use super::convert::millis;
use super::wire::Wire;
use crate::connector::read_settings;
use crate::http::Connection;
use crate::propel::{Action, Effect, Event, EventBody, Measure, Notice, Outcome, Propel, Trace, Urgency, Verdict};

#[allow(unsafe_code, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "weir:propel/propel@0.1.1",
        generate_all,
        pub_export_macro: true,
        with: {
            "weir:types/types@0.1.0": crate::guest::connector::bindings::weir::types::types,
            "weir:log/log@0.1.0": crate::guest::connector::bindings::weir::log::log,
            "weir:state/state@0.1.0": crate::guest::connector::bindings::weir::state::state,
            "weir:http/http@0.1.0": crate::guest::connector::bindings::weir::http::http,
            "weir:entities/entities@0.1.0": crate::guest::connector::bindings::weir::entities::entities,
        },
    });
}

use super::connector::bindings::weir::entities::entities as wit_entities;
use bindings::exports::weir::propel::handler as wit;
use bindings::weir::propel::actions as wit_actions;
use bindings::weir::propel::events as wit_events;
use bindings::weir::propel::notes as wit_notes;
use bindings::weir::propel::once as wit_once;
use bindings::weir::propel::tables as wit_tables;

/// What the component exports for a propel.
pub struct Exported<P>(PhantomData<P>);

impl<P: Propel> wit::Guest for Exported<P> {
    fn handle(
        event: wit::Event,
        connections: Vec<wit::Connection>,
        settings: String,
    ) -> Result<wit::Outcome, wit::Failure> {
        let settings = read_settings(&settings)?;
        let connections: Vec<_> =
            connections.into_iter().map(|connection| Connection(Wire::Owned(connection))).collect();
        let Outcome { verdict, actions } = P::handle(&event.into(), &connections, &settings)?;
        let mut returned = Vec::with_capacity(actions.len());
        for action in actions {
            returned.extend(ask(action)?);
        }
        Ok(wit::Outcome { verdict: verdict.into(), actions: returned })
    }
}

/// Asks the host for what has an import of its own, and gives back what is returned with the outcome.
fn ask(Action { id, effect, report }: Action) -> Result<Option<wit_actions::Action>, wit::Failure> {
    let effect = match effect {
        Effect::SetRow { table, row } => return wit_tables::set(&id, &table, &row).map(|()| None),
        Effect::RemoveRow { table, key } => return wit_tables::remove(&id, &table, &key).map(|()| None),
        Effect::Note { entity, name, text } => return wit_notes::set(&id, &entity, &name, &text).map(|()| None),
        Effect::Call { connection, method, target, headers, body, accept, unless } => {
            let (method, target) = (method.into(), target.into());
            let call = wit_actions::Call { connection, method, target, headers, body, accept };
            if let Some(Trace { path, pointer, text }) = unless {
                let trace = wit_once::Trace { path, pointer, text };
                return wit_once::send(&id, &call, &trace, report).map(|()| None);
            }
            wit_actions::Effect::Call(call)
        }
        Effect::Emit { kind, subject, payload } => wit_actions::Effect::Emit(wit_actions::Emission {
            kind,
            subject: subject.map(|(kind, subject)| (kind, subject.into())),
            payload,
        }),
        Effect::Notify(notice) => wit_actions::Effect::Notify(notice.into()),
    };
    Ok(Some(wit_actions::Action { id, effect, report }))
}

impl From<wit::Event> for Event {
    fn from(event: wit::Event) -> Self {
        let wit::Event { id, kind, at, attempt, deadline, body } = event;
        Self {
            id,
            kind,
            at: Timestamp::from_ms(at),
            attempt,
            deadline: deadline.map(Timestamp::from_ms),
            body: body.into(),
        }
    }
}

impl From<wit_events::EventBody> for EventBody {
    fn from(body: wit_events::EventBody) -> Self {
        match body {
            wit_events::EventBody::Entity(change) => {
                Self::Entity { before: change.before.map(Into::into), after: change.after.map(Into::into) }
            }
            wit_events::EventBody::Measure(measure) => Self::Measure(measure.into()),
            wit_events::EventBody::Gate(request) => Self::Gate { gate: request.gate, build: request.build.into() },
            wit_events::EventBody::Report(report) => Self::Report {
                event: report.event,
                action: report.action,
                result: report
                    .result
                    .map(|answer| answer.map(|answer| (answer.status, answer.body)))
                    .map_err(Into::into),
            },
            wit_events::EventBody::Schedule(name) => Self::Schedule(name),
            wit_events::EventBody::Other(json) => Self::Other(json),
        }
    }
}

impl From<wit_events::Measure> for Measure {
    fn from(measure: wit_events::Measure) -> Self {
        Self {
            name: measure.name,
            definition: measure.definition,
            value: measure.value,
            previous: measure.previous,
            unit: measure.unit,
            since: Timestamp::from_ms(measure.since),
            until: Timestamp::from_ms(measure.until),
            facets: measure.facets,
        }
    }
}

impl From<Verdict> for wit::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Done => Self::Done,
            Verdict::Skipped(reason) => Self::Skipped(reason),
            Verdict::Later(wait) => Self::Later(millis(wait)),
            Verdict::Allow => Self::Gate(wit::GateDecision::Allow),
            Verdict::Stop(reason) => Self::Gate(wit::GateDecision::Stop(reason)),
        }
    }
}

impl From<Notice> for wit_actions::Notice {
    fn from(notice: Notice) -> Self {
        Self {
            channel: notice.channel,
            people: notice.people.into_iter().map(Into::into).collect(),
            urgency: match notice.urgency {
                Urgency::Info => wit_actions::Urgency::Info,
                Urgency::Warning => wit_actions::Urgency::Warning,
                Urgency::Critical => wit_actions::Urgency::Critical,
            },
            title: notice.title,
            text: notice.text,
            url: notice.url,
            fold_key: notice.fold_key,
        }
    }
}

impl From<Reference> for wit_entities::Reference {
    fn from(reference: Reference) -> Self {
        match reference {
            Reference::Key(key) => Self::Key(key),
            Reference::Name(name) => Self::Name(name),
        }
    }
}
