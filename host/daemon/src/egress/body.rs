//! Reads a response body whole: decompressed, within its limit, with a limit on how far compression may go. A body
//! that comes uncompressed and in one piece is passed on without a copy.

use std::io::{self, Write};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, HeaderMap};
use http_body::Body;
use http_body_util::BodyExt as _;

/// Below this many bytes any ratio is fine: short texts of one letter are no attack.
const RATIO_FREE_BYTES: usize = 1024 * 1024;
const RATIO_MAX: usize = 100;
/// Most that is reserved on the word of a `Content-Length`.
const RESERVED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) enum BodyError<E> {
    TooLarge,
    Stalled,
    Broken(&'static str),
    Lost(E),
}

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Deflate,
}

impl Encoding {
    /// Reads `Content-Encoding`; none for one we never asked for.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let value = values.next().map_or(b"identity".as_slice(), |value| value.as_bytes());
        match value.to_ascii_lowercase().as_slice() {
            _ if values.next().is_some() => None,
            b"" | b"identity" => Some(Self::Identity),
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

/// Reads `body`. At most `bytes_max` after decompression, at most `idle_max` between two pieces.
pub(crate) async fn read<B>(
    mut body: B,
    encoding: Encoding,
    bytes_max: u64,
    idle_max: Duration,
) -> Result<Bytes, BodyError<B::Error>>
where
    B: Body<Data = Bytes> + Unpin,
{
    if encoding == Encoding::Identity && body.size_hint().lower() > bytes_max {
        return Err(BodyError::TooLarge);
    }
    let reserve = usize::try_from(body.size_hint().lower().min(RESERVED_BYTES_MAX)).unwrap_or(0);
    let mut sink = Sink::new(encoding, usize::try_from(bytes_max).unwrap_or(usize::MAX), reserve);
    loop {
        let frame = tokio::time::timeout(idle_max, body.frame()).await.map_err(|_| BodyError::Stalled)?;
        match frame {
            None => return sink.finish().map_err(failure),
            Some(frame) => {
                if let Ok(piece) = frame.map_err(BodyError::Lost)?.into_data() {
                    sink.take(piece).map_err(failure)?;
                }
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err` by name")]
fn failure<E>(error: io::Error) -> BodyError<E> {
    match error.kind() {
        io::ErrorKind::FileTooLarge => BodyError::TooLarge,
        _ => BodyError::Broken("compressed body is damaged or cut short"),
    }
}

enum Sink {
    Plain(Gathered),
    Waiting(Encoding, Capped),
    Gzip(MultiGzDecoder<Capped>),
    Zlib(ZlibDecoder<Capped>),
    Deflate(DeflateDecoder<Capped>),
}

impl Sink {
    fn new(encoding: Encoding, bytes_max: usize, reserve: usize) -> Self {
        match encoding {
            Encoding::Identity => Self::Plain(Gathered { bytes_max, reserve, ..Gathered::default() }),
            other => Self::Waiting(other, Capped { bytes_max, ..Capped::default() }),
        }
    }

    fn take(&mut self, piece: Bytes) -> io::Result<()> {
        if let Self::Waiting(encoding, capped) = self
            && !piece.is_empty()
        {
            *self = Self::started(*encoding, std::mem::take(capped), &piece);
        }
        match self {
            Self::Plain(gathered) => gathered.take(piece),
            Self::Waiting(..) => Ok(()),
            Self::Gzip(decoder) => feed(decoder, |decoder| decoder.get_mut(), &piece),
            Self::Zlib(decoder) => feed(decoder, |decoder| decoder.get_mut(), &piece),
            Self::Deflate(decoder) => feed(decoder, |decoder| decoder.get_mut(), &piece),
        }
    }

    /// "deflate" means the zlib form; some servers send the bare one, told apart by the first byte.
    fn started(encoding: Encoding, capped: Capped, piece: &[u8]) -> Self {
        match encoding {
            Encoding::Deflate if piece[0] & 0x0f == 8 => Self::Zlib(ZlibDecoder::new(capped)),
            Encoding::Deflate => Self::Deflate(DeflateDecoder::new(capped)),
            Encoding::Gzip | Encoding::Identity => Self::Gzip(MultiGzDecoder::new(capped)),
        }
    }

    fn finish(self) -> io::Result<Bytes> {
        match self {
            Self::Plain(gathered) => Ok(gathered.finish()),
            Self::Waiting(..) => Ok(Bytes::new()),
            Self::Gzip(decoder) => decoder.finish().map(|capped| capped.out.into()),
            Self::Zlib(decoder) => decoder.finish().map(|capped| capped.out.into()),
            Self::Deflate(decoder) => decoder.finish().map(|capped| capped.out.into()),
        }
    }
}

fn feed<D: Write>(decoder: &mut D, capped: fn(&mut D) -> &mut Capped, piece: &[u8]) -> io::Result<()> {
    capped(decoder).n_taken += piece.len();
    decoder.write_all(piece)
}

/// Pieces of an uncompressed body; a single one stays as it is.
#[derive(Default)]
struct Gathered {
    only: Option<Bytes>,
    joined: BytesMut,
    bytes_max: usize,
    reserve: usize,
}

impl Gathered {
    fn take(&mut self, piece: Bytes) -> io::Result<()> {
        let n_bytes = self.joined.len() + self.only.as_ref().map_or(0, Bytes::len) + piece.len();
        if n_bytes > self.bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        match self.only.take() {
            None if self.joined.is_empty() => self.only = Some(piece),
            first => {
                if let Some(first) = first {
                    self.joined.reserve(self.reserve.max(n_bytes));
                    self.joined.extend_from_slice(&first);
                }
                self.joined.extend_from_slice(&piece);
            }
        }
        Ok(())
    }

    fn finish(self) -> Bytes {
        self.only.unwrap_or_else(|| self.joined.freeze())
    }
}

/// Decompressed bytes, refused beyond the limit and beyond the ratio before they are kept.
#[derive(Default)]
struct Capped {
    out: Vec<u8>,
    n_taken: usize,
    bytes_max: usize,
}

impl Write for Capped {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let n_bytes = self.out.len() + piece.len();
        let inflated = n_bytes > RATIO_FREE_BYTES && n_bytes / RATIO_MAX > self.n_taken;
        if n_bytes > self.bytes_max || inflated {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.out.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "tests/body.rs"]
mod tests;
