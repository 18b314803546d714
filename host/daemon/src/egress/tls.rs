//! Trust: the roots of the machine and those the operator adds. Every connection resumes its own TLS sessions only.

use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// TLS sessions kept for resumption, for one connection.
const SESSIONS_MAX: usize = 32;

/// What one connection trusts and shows besides the usual, in PEM.
#[derive(Default)]
pub struct OwnTls {
    /// Certificates that vouch for the other side.
    pub roots: Option<Vec<u8>>,
    /// Certificate that is shown, and its private key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// Roots, read from the machine when the first connection needs them.
#[derive(Default)]
pub(crate) struct Trust {
    extra: Vec<CertificateDer<'static>>,
    config: OnceLock<Result<ClientConfig, String>>,
}

impl Trust {
    /// Trusts `extra`, in PEM, besides the machine's roots; the error says what is wrong with it.
    pub(crate) fn new(extra: Option<&[u8]>) -> Result<Self, String> {
        Ok(Self { extra: extra.map(certificates).transpose()?.unwrap_or_default(), config: OnceLock::new() })
    }

    /// Settings for one connection. Where https is not `needed`, a machine without roots is no error.
    pub(crate) fn config(&self, needed: bool) -> Result<ClientConfig, String> {
        let mut config = match self.config.get_or_init(|| build(self.roots(&[])?, None)) {
            Err(_) if !needed => build(RootCertStore::empty(), None)?,
            config => config.clone()?,
        };
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        Ok(config)
    }

    /// The same with what is the connection's own.
    pub(crate) fn config_with(&self, own: &OwnTls) -> Result<ClientConfig, String> {
        let more = own.roots.as_deref().map(certificates).transpose()?.unwrap_or_default();
        let identity = own.identity.as_ref().map(|(certificate, key)| {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| error.to_string())?;
            Ok::<_, String>((certificates(certificate)?, key))
        });
        let mut config = build(self.roots(&more)?, identity.transpose()?)?;
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        Ok(config)
    }

    fn roots(&self, more: &[CertificateDer<'static>]) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        for certificate in self.extra.iter().chain(more) {
            roots.add(certificate.clone()).map_err(|error| error.to_string())?;
        }
        if roots.is_empty() { Err("the machine has no trusted root certificates".to_owned()) } else { Ok(roots) }
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let certificates = read.map_err(|error| error.to_string())?;
    if certificates.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(certificates) }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn build(roots: RootCertStore, identity: Option<Identity>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?.with_root_certificates(roots);
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| error.to_string()),
    }
}
