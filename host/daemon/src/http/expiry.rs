//! When a certificate ends, read out of it without believing anything else it says.

use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use weir_model::Timestamp;

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// Tag of the version, which may be left out.
const VERSION: u8 = 0xa0;

/// When the first certificate of a PEM file ends; none when the file cannot be read so.
pub fn ends_at(path: &Path) -> Option<Timestamp> {
    not_after(&CertificateDer::from_pem_file(path).ok()?)
}

/// Certificate, to be signed: version, serial number, algorithm, issuer, validity: from, to.
fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = inside(der, SEQUENCE)?;
    let (mut signed, _) = inside(certificate, SEQUENCE)?;
    if signed.first() == Some(&VERSION) {
        (_, _, signed) = element(signed)?;
    }
    for _ in ["serial number", "algorithm", "issuer"] {
        (_, _, signed) = element(signed)?;
    }
    let (validity, _) = inside(signed, SEQUENCE)?;
    let (_, _, rest) = element(validity)?;
    let (tag, text, _) = element(rest)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// Years of two digits are those from 1950 to 2049.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let text = match tag {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp::from_ms(time.timestamp().as_millisecond()))
}

fn inside(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(bytes)?;
    (found == tag).then_some((content, rest))
}

/// Tag, content, and what comes after.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length =
            digits.iter().try_fold(0_usize, |length, byte| length.checked_mul(256)?.checked_add(usize::from(*byte)));
        (length?, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], length.as_slice(), content].concat()
    }

    fn certificate(end: &[u8]) -> Vec<u8> {
        let validity = [wrapped(UTC_TIME, b"200101000000Z").as_slice(), end].concat();
        let before =
            [wrapped(VERSION, b"2"), wrapped(2, b"1"), wrapped(SEQUENCE, b""), wrapped(SEQUENCE, b"")].concat();
        let signed = [before, wrapped(SEQUENCE, &validity), wrapped(SEQUENCE, b"subject")].concat();
        wrapped(SEQUENCE, &wrapped(SEQUENCE, &signed))
    }

    #[test]
    fn ends_as_certificates_write_them() {
        let told = |tag, text: &[u8]| not_after(&certificate(&wrapped(tag, text))).map(Timestamp::ms);
        assert_eq!(told(UTC_TIME, b"301231235959Z"), Some(1_924_991_999_000));
        assert_eq!(told(UTC_TIME, b"501231235959Z"), Some(-599_616_001_000));
        assert_eq!(told(GENERALIZED_TIME, b"20501231235959Z"), Some(2_556_143_999_000));
        assert_eq!(told(GENERALIZED_TIME, b"someday"), None);
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let whole = certificate(&wrapped(UTC_TIME, b"301231235959Z"));
        for length in 0..whole.len() - wrapped(SEQUENCE, b"subject").len() {
            assert_eq!(not_after(&whole[..length]), None, "{length}");
        }
        assert_eq!(not_after(&[0x30, 0xff]), None);
    }
}
