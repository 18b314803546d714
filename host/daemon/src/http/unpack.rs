//! Bodies that come compressed: `Content-Encoding: gzip`, within bounds of size and of ratio.

use std::io::Read;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};

use super::Shared;
use super::extract::too_large;
use super::problem::Problem;

/// Most bytes that one compressed byte may become, beyond the first megabyte. Reports become 5 to 50.
pub(super) const RATIO_MAX: usize = 250;
const FREE_BYTES: usize = 1 << 20;

/// The body without its compression.
pub(super) fn decompressed(host: &Shared, headers: &HeaderMap, body: Bytes) -> Result<Bytes, Problem> {
    unpacked(headers, body, host.config.intake.body_bytes_max)
}

/// The body as it was before it was compressed, of at most `bytes_max`.
fn unpacked(headers: &HeaderMap, body: Bytes, bytes_max: usize) -> Result<Bytes, Problem> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|encoding| encoding.as_bytes().to_ascii_lowercase());
    match encoding.as_deref() {
        None | Some(b"identity" | b"") => Ok(body),
        Some(b"gzip" | b"x-gzip") => gunzipped(&body, bytes_max),
        Some(other) => {
            let detail = format!("the encoding `{}` is not known", String::from_utf8_lossy(other));
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).hint("send it plain, or as gzip"))
        }
    }
}

fn gunzipped(body: &[u8], bytes_max: usize) -> Result<Bytes, Problem> {
    let mut plain = Vec::new();
    let ratio_bytes_max = body.len().saturating_mul(RATIO_MAX).max(FREE_BYTES);
    let limit = u64::try_from(bytes_max.min(ratio_bytes_max)).unwrap_or(u64::MAX);
    let read = flate2::read::MultiGzDecoder::new(body).take(limit + 1).read_to_end(&mut plain);
    match read {
        Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, format!("the body is no gzip: {error}"))
            .hint("`Content-Encoding` says gzip")),
        Ok(_) if plain.len() > bytes_max => Err(too_large(bytes_max)),
        Ok(_) if plain.len() > ratio_bytes_max => {
            let detail = format!("one compressed byte becomes at most {RATIO_MAX}");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).hint("send it plain"))
        }
        Ok(_) => Ok(plain.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn status(body: &[u8], encoding: &str, bytes_max: usize) -> u16 {
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, encoding.parse().unwrap())]);
        unpacked(&headers, Bytes::copy_from_slice(body), bytes_max).map_or_else(|problem| problem.status, |_| 200)
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn size_and_ratio_are_bounded() {
        let small = gzip(b"{}");
        assert_eq!(status(&small, "GZIP", 2), 200);
        assert_eq!(status(&small, "gzip", 1), 413);
        assert_eq!(status(b"{}", "gzip", 2), 400);
        assert_eq!(status(b"{}", "br", 2), 415);
        let bomb = gzip(&vec![b' '; 20 << 20]);
        assert!(bomb.len() * RATIO_MAX < 20 << 20);
        assert_eq!(status(&bomb, "gzip", 25 << 20), 413);
    }
}
