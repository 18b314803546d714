use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http_body::{Frame, SizeHint};

use super::*;

struct Pieces(VecDeque<Bytes>, Option<u64>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        self.1.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn pieces(bytes: &[u8], size: usize) -> Pieces {
    Pieces(bytes.chunks(size).map(Bytes::copy_from_slice).collect(), None)
}

async fn outcome(body: Pieces, encoding: Encoding, bytes_max: u64) -> String {
    match read(body, encoding, bytes_max, Duration::from_secs(5)).await {
        Ok(body) => format!("{} bytes", body.len()),
        Err(error) => format!("{error:?}"),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn one_piece_is_passed_on_without_a_copy() {
    let piece = Bytes::from_static(b"[1,2,3]");
    let body = Pieces([piece.clone()].into(), Some(7));
    let read = read(body, Encoding::Identity, 7, Duration::from_secs(5)).await.unwrap();
    assert_eq!(read.as_ptr(), piece.as_ptr());
}

#[tokio::test]
async fn limits_hold_at_the_byte() {
    assert_eq!(outcome(pieces(&[7; 1000], 10), Encoding::Identity, 1000).await, "1000 bytes");
    assert_eq!(outcome(pieces(&[7; 1001], 10), Encoding::Identity, 1000).await, "TooLarge");
    assert_eq!(outcome(pieces(&gzip(&[7; 1000]), 5), Encoding::Gzip, 1000).await, "1000 bytes");
    assert_eq!(outcome(pieces(&gzip(&[7; 1001]), 5), Encoding::Gzip, 1000).await, "TooLarge");
    let announced = Pieces([].into(), Some(1001));
    assert_eq!(outcome(announced, Encoding::Identity, 1000).await, "TooLarge");
}

#[tokio::test]
async fn a_bomb_stops_at_the_ratio_although_the_limit_is_far() {
    let bomb = gzip(&vec![0; 64 * 1024 * 1024]);
    assert_eq!(outcome(pieces(&bomb, 16 * 1024), Encoding::Gzip, u64::MAX).await, "TooLarge");
    assert_eq!(outcome(pieces(&gzip(&vec![0; 1024 * 1024]), 512), Encoding::Gzip, u64::MAX).await, "1048576 bytes");
}

#[tokio::test]
async fn each_encoding_and_damage() {
    let text = b"The quick brown fox jumps over the lazy dog".repeat(20);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(&text).unwrap();
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
    bare.write_all(&text).unwrap();
    let (zlib, bare) = (zlib.finish().unwrap(), bare.finish().unwrap());
    assert_eq!(outcome(pieces(&zlib, 7), Encoding::Deflate, 10_000).await, "860 bytes");
    assert_eq!(outcome(pieces(&bare, 7), Encoding::Deflate, 10_000).await, "860 bytes");
    let two_members = [gzip(&text), gzip(&text)].concat();
    assert_eq!(outcome(pieces(&two_members, 9), Encoding::Gzip, 10_000).await, "1720 bytes");
    let cut = gzip(&text);
    let broken = "Broken(\"compressed body is damaged or cut short\")";
    assert_eq!(outcome(pieces(&cut[..cut.len() - 9], 9), Encoding::Gzip, 10_000).await, broken);
    assert_eq!(outcome(pieces(b"no gzip at all", 9), Encoding::Gzip, 10_000).await, broken);
    assert_eq!(outcome(pieces(b"", 9), Encoding::Gzip, 10_000).await, "0 bytes");
}
