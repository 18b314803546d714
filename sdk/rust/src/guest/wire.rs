//! The host's imports, behind the same functions that the mock has.

use std::time::Duration;

use super::connector::bindings::weir::http::http as wit;
use super::connector::bindings::weir::log::log as wit_log;
use super::connector::bindings::weir::state::state as wit_state;
use crate::failure::Failure;
use crate::http::{HttpError, Request};
use crate::log::Level;

/// A connection the host handed over, for keeps or for the length of a call.
pub(crate) enum Wire<'a> {
    Owned(wit::Connection),
    Lent(&'a wit::Connection),
}

impl Wire<'_> {
    fn connection(&self) -> &wit::Connection {
        match self {
            Self::Owned(connection) => connection,
            Self::Lent(connection) => connection,
        }
    }

    pub(crate) fn name(&self) -> String {
        self.connection().name()
    }

    pub(crate) fn kind(&self) -> String {
        self.connection().kind()
    }

    pub(crate) fn site(&self) -> String {
        self.connection().site()
    }

    pub(crate) fn send(&self, request: &Request) -> Result<WireResponse, HttpError> {
        Ok(WireResponse(self.connection().send(&request.into())?))
    }

    pub(crate) fn send_many(&self, requests: &[Request]) -> Vec<Result<WireResponse, HttpError>> {
        let requests: Vec<wit::Request> = requests.iter().map(Into::into).collect();
        let responses = self.connection().send_many(&requests).into_iter();
        responses.map(|response| Ok(WireResponse(response?))).collect()
    }
}

/// A response on the host.
pub(crate) struct WireResponse(pub(crate) wit::Response);

impl WireResponse {
    pub(crate) fn status(&self) -> u16 {
        self.0.status()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.0.header(name)
    }

    pub(crate) fn text(&self) -> Result<String, HttpError> {
        Ok(self.0.text()?)
    }

    pub(crate) fn pointer(&self, pointer: &str) -> Result<Option<String>, HttpError> {
        Ok(self.0.pointer(pointer)?)
    }
}

impl From<wit::HttpError> for HttpError {
    fn from(error: wit::HttpError) -> Self {
        match error {
            wit::HttpError::Denied(rule) => Self::Denied(rule),
            wit::HttpError::Dns(text) => Self::Dns(text),
            wit::HttpError::Connect(text) => Self::Connect(text),
            wit::HttpError::Tls(text) => Self::Tls(text),
            wit::HttpError::Timeout => Self::Timeout,
            wit::HttpError::TooLarge => Self::TooLarge,
            wit::HttpError::Throttled(wait) => Self::Throttled(wait.map(Duration::from_millis)),
            wit::HttpError::Protocol(text) => Self::Protocol(text),
            wit::HttpError::Exhausted => Self::Exhausted,
        }
    }
}

pub(crate) fn log_enabled(level: Level) -> bool {
    wit_log::enabled(level.into())
}

pub(crate) fn log(level: Level, message: &str, fields: &[(&str, &str)]) {
    let owned: Vec<(String, String)> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    wit_log::write(level.into(), message, &owned);
}

pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, Failure> {
    Ok(wit_state::get(key)?)
}

pub(crate) fn state_set(key: &str, value: &[u8]) -> Result<(), Failure> {
    Ok(wit_state::set(key, value)?)
}

pub(crate) fn state_remove(key: &str) -> Result<(), Failure> {
    Ok(wit_state::remove(key)?)
}

pub(crate) fn facts_query(name: &str, params: &str) -> Result<String, Failure> {
    Ok(super::propel::bindings::weir::propel::facts::query(name, params)?)
}
