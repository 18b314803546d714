//! Conversions between generated types and those authors use; each is the same words in another place.

use std::time::Duration;

use super::connector::bindings::weir::connector::raw as wit_raw;
use super::connector::bindings::weir::entities::entities as wit_entities;
use super::connector::bindings::weir::http::http as wit_http;
use super::connector::bindings::weir::log::log as wit_log;
use super::connector::bindings::weir::types::types as wit_types;
use crate::failure::{Failure, FailureKind};
use crate::http::{Method, Request, Target};
use crate::log::Level;
use crate::outcome::EntityDocument;
use crate::record::{Op, RawRecord};

/// Whole milliseconds; longer than half a billion years is cut.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

macro_rules! same_words {
    ($ours:ty, $theirs:ty: $($word:ident),*) => {
        impl From<$ours> for $theirs {
            fn from(word: $ours) -> Self {
                match word { $(<$ours>::$word => Self::$word),* }
            }
        }
        impl From<$theirs> for $ours {
            fn from(word: $theirs) -> Self {
                match word { $(<$theirs>::$word => Self::$word),* }
            }
        }
    };
}

same_words!(FailureKind, wit_types::FailureKind: Config, Auth, Forbidden, Gone, Throttled, Transient, Poison, CursorExpired, Internal);
same_words!(Method, wit_http::Method: Get, Head, Post, Put, Patch, Delete);
same_words!(Level, wit_log::Level: Trace, Debug, Info, Warn, Error);
same_words!(Op, wit_raw::Op: Upsert, Delete);

impl From<Failure> for wit_types::Failure {
    fn from(Failure { kind, code, message, retry_after, details }: Failure) -> Self {
        Self { kind: kind.into(), code, message, retry_after: retry_after.map(millis), details }
    }
}

impl From<wit_types::Failure> for Failure {
    fn from(failure: wit_types::Failure) -> Self {
        let wit_types::Failure { kind, code, message, retry_after, details } = failure;
        Self { kind: kind.into(), code, message, retry_after: retry_after.map(Duration::from_millis), details }
    }
}

impl From<Target> for wit_http::Target {
    fn from(target: Target) -> Self {
        match target {
            Target::Path(path) => Self::Path(path),
            Target::Link(link) => Self::Link(link),
        }
    }
}

impl From<&Request> for wit_http::Request {
    fn from(request: &Request) -> Self {
        Self {
            method: request.method.into(),
            target: request.target.clone().into(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            timeout: request.timeout.map(millis),
            max_body: request.body_bytes_max,
            conditional: request.conditional,
        }
    }
}

/// The bytes of a payload.
pub(super) fn bytes(payload: wit_raw::Payload) -> Vec<u8> {
    match payload {
        wit_raw::Payload::Text(text) => text.into_bytes(),
        wit_raw::Payload::Bytes(bytes) => bytes,
    }
}

fn payload(bytes: Vec<u8>) -> wit_raw::Payload {
    String::from_utf8(bytes).map_or_else(|error| wit_raw::Payload::Bytes(error.into_bytes()), wit_raw::Payload::Text)
}

impl From<RawRecord> for wit_raw::RawRecord {
    fn from(record: RawRecord) -> Self {
        let RawRecord { op, key, version, context, payload: bytes } = record;
        Self { op: op.into(), key, version, context, payload: payload(bytes) }
    }
}

impl From<wit_raw::RawRecord> for RawRecord {
    fn from(record: wit_raw::RawRecord) -> Self {
        let wit_raw::RawRecord { op, key, version, context, payload } = record;
        Self { op: op.into(), key, version, context, payload: bytes(payload) }
    }
}

impl From<EntityDocument> for wit_entities::Entity {
    fn from(EntityDocument { kind, key, document }: EntityDocument) -> Self {
        Self { kind, key, document }
    }
}

impl From<wit_entities::Entity> for EntityDocument {
    fn from(entity: wit_entities::Entity) -> Self {
        Self { kind: entity.kind, key: entity.key, document: entity.document }
    }
}
