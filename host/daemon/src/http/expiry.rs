//! When a certificate ends.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use weir_model::Timestamp;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// When the first certificate of a PEM file ends; none when the file cannot be read so.
pub fn ends_at(path: &Path) -> Option<Timestamp> {
    not_after(&CertificateDer::from_pem_file(path).ok()?)
}

fn not_after(der: &[u8]) -> Option<Timestamp> {
    let end = Certificate::from_der(der).ok()?.tbs_certificate().validity().not_after.to_unix_duration();
    Some(Timestamp::from_ms(i64::try_from(end.as_millis()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    #[test]
    fn ends_as_certificates_write_them() {
        let key = KeyPair::generate().unwrap();
        let ending = |year| {
            let mut params = CertificateParams::new(["weir.example".to_owned()]).unwrap();
            params.not_after = date_time_ymd(year, 12, 31);
            params.self_signed(&key).unwrap()
        };
        // Years from 2050 on are written in another form.
        for (year, ms) in [(2030, 1_924_905_600_000), (2051, 2_587_593_600_000)] {
            let certificate = ending(year);
            assert_eq!(not_after(certificate.der()).map(Timestamp::ms), Some(ms), "{year}");
            let cut = &certificate.der()[..certificate.der().len() - 1];
            assert_eq!(not_after(cut), None, "{year}");
        }
        assert_eq!(not_after(b""), None);
    }
}
