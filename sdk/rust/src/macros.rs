//! The macros that turn a type into a component. Outside of WebAssembly they only check that the manifest is there, so
//! that a plugin compiles and tests like any other crate.

/// Exports a [`Connector`](crate::Connector) with the manifest at that path, relative to the file it is written in.
///
/// `weir_sdk::export_connector!(Clock, manifest = "../manifest.json");`
#[macro_export]
macro_rules! export_connector {
    ($type:ty, manifest = $manifest:literal) => {
        $crate::__manifest!($manifest);
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::guest::connector::Exported<$type>;
            $crate::guest::connector::bindings::export!(Exported with_types_in $crate::guest::connector::bindings);
        };
    };
}

/// Exports a connector that is a [`Webhook`](crate::Webhook) too.
#[macro_export]
macro_rules! export_connector_with_webhook {
    ($type:ty, manifest = $manifest:literal) => {
        $crate::export_connector!($type, manifest = $manifest);
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::guest::connector::Exported<$type>;
            $crate::guest::webhook::bindings::export!(Exported with_types_in $crate::guest::webhook::bindings);
        };
    };
}

/// Exports a [`Propel`](crate::propel::Propel).
#[macro_export]
macro_rules! export_propel {
    ($type:ty, manifest = $manifest:literal) => {
        $crate::__manifest!($manifest);
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::guest::propel::Exported<$type>;
            $crate::guest::propel::bindings::export!(Exported with_types_in $crate::guest::propel::bindings);
        };
    };
}

/// Puts the manifest into the custom section `weir:manifest`, where the host reads it without running code.
#[doc(hidden)]
#[macro_export]
macro_rules! __manifest {
    ($manifest:literal) => {
        /// The manifest, as the host finds it.
        pub const MANIFEST: &str = include_str!($manifest);

        // Sound: the attribute is `unsafe` because a section of that name could give bytes a meaning to the linker or
        // the loader. Custom sections of WebAssembly have none at run time, a name with our prefix has none to the
        // linker, and the static is constant bytes without pointers.
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "see above: a custom section of our own is inert")]
        const _: () = {
            #[used]
            #[unsafe(link_section = "weir:manifest")]
            static SECTION: [u8; MANIFEST.len()] = *include_bytes!($manifest);
        };
    };
}
