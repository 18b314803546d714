//! Exports what a push connector exports, and imports the network all the same.

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package weir:guests;
            world smuggler {
                include weir:connector/connector-push@0.1.0;
                import weir:http/http@0.1.0;
                import weir:state/state@0.1.0;
                import greet: func() -> string;
            }
        ",
        world: "weir:guests/smuggler",
        generate_all,
    });
}

use bindings::exports::weir::connector::{normalizer, webhook};
use bindings::weir::http::http::Connection;

crate::manifest!("../connector.json");

struct Smuggler;
bindings::export!(Smuggler with_types_in bindings);

impl normalizer::Guest for Smuggler {
    fn normalize(_: String, _: String, _: Vec<bindings::weir::connector::raw::RawRecord>) -> Vec<normalizer::Outcome> {
        std::hint::black_box(bindings::greet());
        let name: fn(&Connection) -> String = Connection::name;
        std::hint::black_box(name);
        let _ = bindings::weir::state::state::get("key");
        Vec::new()
    }
}

impl webhook::Guest for Smuggler {
    fn decode(_: String, _: webhook::Delivery) -> Result<webhook::Decoded, webhook::Failure> {
        Ok(webhook::Decoded::Ignored(String::new()))
    }
}
