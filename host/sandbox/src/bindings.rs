//! The contract in Rust, generated from `wit/weir.wit`. All worlds are generated as one, so that each type exists
//! once; which imports a plugin really gets is decided by the linker of its world, see `load.rs`.

/// What crosses in either direction and holds no handle: these types can be compared and stored.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
pub(crate) mod imports {
    wasmtime::component::bindgen!({
        path: "../../wit/weir.wit",
        inline: "
            package weir:sandbox;
            world imports {
                import weir:types/types@0.1.0;
                import weir:log/log@0.1.0;
                import weir:state/state@0.1.0;
                import weir:http/http@0.1.0;
                import weir:entities/entities@0.1.0;
                import weir:connector/raw@0.1.0;
                import weir:propel/facts@0.1.1;
                import weir:propel/events@0.1.1;
                import weir:propel/actions@0.1.1;
                import weir:propel/tables@0.1.1;
                import weir:propel/notes@0.1.1;
                import weir:propel/once@0.1.1;
            }
        ",
        world: "weir:sandbox/imports",
        imports: {
            "weir:http/http.[method]connection.send": async | trappable,
            "weir:http/http.[method]connection.send-many": async | trappable,
            "weir:propel/facts.query": async | trappable,
            "weir:propel/tables.set": async | trappable,
            "weir:propel/tables.remove": async | trappable,
            default: trappable,
        },
        with: {
            "weir:http/http.connection": crate::host::http::Granted,
            "weir:http/http.response": crate::host::http::Received,
        },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

/// What plugins export.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
pub(crate) mod exports {
    wasmtime::component::bindgen!({
        path: "../../wit/weir.wit",
        inline: "
            package weir:sandbox;
            world everything {
                include weir:connector/connector-webhook@0.1.0;
                include weir:propel/propel@0.1.1;
            }
        ",
        world: "weir:sandbox/everything",
        exports: { default: async },
        with: {
            "weir:types": super::imports::weir::types,
            "weir:log": super::imports::weir::log,
            "weir:state": super::imports::weir::state,
            "weir:http": super::imports::weir::http,
            "weir:entities": super::imports::weir::entities,
            "weir:connector/raw": super::imports::weir::connector::raw,
            "weir:propel/facts": super::imports::weir::propel::facts,
            "weir:propel/events": super::imports::weir::propel::events,
            "weir:propel/actions": super::imports::weir::propel::actions,
            "weir:propel/tables": super::imports::weir::propel::tables,
            "weir:propel/notes": super::imports::weir::propel::notes,
            "weir:propel/once": super::imports::weir::propel::once,
        },
    });
}

pub(crate) use exports::exports::weir::connector::{normalizer, source, webhook};
pub(crate) use exports::exports::weir::propel::handler;
pub(crate) use imports::weir::connector::raw;
pub(crate) use imports::weir::propel::{facts, notes, once, tables};
pub(crate) use imports::weir::{http::http, log::log, state::state};

pub use handler::{GateDecision, Verdict};
pub use http::{Method, Target};
pub use imports::weir::entities::entities::{Entity as PluginEntity, Reference as PluginReference};
pub use imports::weir::propel::actions::{Action, Call, Effect, Emission, Notice, Urgency};
pub use imports::weir::propel::events::{ActionReport, Answer, EntityChange, Event, EventBody, GateRequest, Measure};
pub use imports::weir::propel::once::Trace;
pub use imports::weir::types::types::{Failure, FailureKind};
pub use source::{Checkup, Dataset};
