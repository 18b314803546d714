//! Trust: the roots of the machine and those the operator adds. Every connection resumes its own TLS sessions only.

use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// TLS sessions kept for resumption, for one connection.
const SESSIONS_MAX: usize = 32;

/// Roots, read from the machine when the first connection needs them.
#[derive(Default)]
pub(crate) struct Trust {
    extra: Vec<CertificateDer<'static>>,
    config: OnceLock<Result<ClientConfig, String>>,
}

impl Trust {
    /// Trusts `extra`, in PEM, besides the machine's roots; the error says what is wrong with it.
    pub(crate) fn new(extra: Option<&[u8]>) -> Result<Self, String> {
        let read = CertificateDer::pem_slice_iter(extra.unwrap_or_default()).collect::<Result<Vec<_>, _>>();
        let certificates = read.map_err(|error| error.to_string())?;
        if extra.is_some() && certificates.is_empty() {
            return Err("it holds no certificate".to_owned());
        }
        Ok(Self { extra: certificates, config: OnceLock::new() })
    }

    /// Settings for one connection. Where https is not `needed`, a machine without roots is no error.
    pub(crate) fn config(&self, needed: bool) -> Result<ClientConfig, String> {
        let mut config = match self.config.get_or_init(|| build(self.roots()?)) {
            Err(_) if !needed => build(RootCertStore::empty())?,
            config => config.clone()?,
        };
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        Ok(config)
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        for certificate in &self.extra {
            roots.add(certificate.clone()).map_err(|error| error.to_string())?;
        }
        if roots.is_empty() { Err("the machine has no trusted root certificates".to_owned()) } else { Ok(roots) }
    }
}

fn build(roots: RootCertStore) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
