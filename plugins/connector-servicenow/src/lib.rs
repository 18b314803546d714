//! ServiceNow.
