//! Keys and values in sled: sealed entries cut into chunks of at most 7 KiB.
//!
//! Larger values would end in blob files, which sled never syncs. Every chunk names itself and carries a checksum,
//! so that it can be found in the bytes of a file that sled no longer opens.

use crate::keys::SealKey;
use weir_model::AccountId;

/// Largest value in sled, in bytes.
pub(crate) const VALUE_BYTES_MAX: usize = 7 << 10;
const HEADER_BYTES: usize = 35;
const BODY_BYTES_MAX: usize = VALUE_BYTES_MAX - HEADER_BYTES;
pub(crate) const CHUNK_MAGIC: [u8; 4] = *b"WRC1";
pub(crate) const CHUNK_KEY_BYTES: usize = 14;

/// A key and its value, as sled takes them.
pub(crate) type KeyValue = (Vec<u8>, Vec<u8>);

/// The trees of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tree {
    /// Packs, by stream and first record.
    Raw,
    /// Blocks of the state as it is at the end of the generation, by number.
    State,
}

impl Tree {
    pub(crate) const ALL: [Self; 2] = [Self::Raw, Self::State];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::State => "state",
        }
    }

    fn tag(self) -> u8 {
        match self {
            Self::Raw => 1,
            Self::State => 2,
        }
    }

    fn from_tag(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|tree| tree.tag() == tag)
    }
}

/// What an entry is filed under: stream and first record of a pack, or the number of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntryKey {
    pub(crate) tree: Tree,
    pub(crate) major: u32,
    pub(crate) minor: u64,
}

impl EntryKey {
    pub(crate) fn pack(stream: u32, first: u64) -> Self {
        Self { tree: Tree::Raw, major: stream, minor: first }
    }

    pub(crate) fn block(number: u64) -> Self {
        Self { tree: Tree::State, major: 0, minor: number }
    }

    /// Key of one chunk: big-endian, so that bytes order as the numbers do.
    pub(crate) fn chunk(self, number: u16) -> [u8; CHUNK_KEY_BYTES] {
        let mut key = [0; CHUNK_KEY_BYTES];
        key[..4].copy_from_slice(&self.major.to_be_bytes());
        key[4..12].copy_from_slice(&self.minor.to_be_bytes());
        key[12..].copy_from_slice(&number.to_be_bytes());
        key
    }

    fn of_chunk(tree: Tree, key: &[u8]) -> Option<(Self, u16)> {
        let key: &[u8; CHUNK_KEY_BYTES] = key.try_into().ok()?;
        let major = u32::from_be_bytes(key[..4].try_into().ok()?);
        let minor = u64::from_be_bytes(key[4..12].try_into().ok()?);
        Some((Self { tree, major, minor }, u16::from_be_bytes(key[12..].try_into().ok()?)))
    }
}

/// Seals entries of one generation.
pub(crate) struct EntrySeal {
    pub(crate) account: AccountId,
    pub(crate) generation: u64,
    pub(crate) key: SealKey,
}

impl std::fmt::Debug for EntrySeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntrySeal").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl EntrySeal {
    fn bound<T>(&self, key: EntryKey, last: u64, run: impl FnOnce(&[&[u8]]) -> T) -> T {
        run(&[
            b"weir raw entry 1",
            self.account.as_str().as_bytes(),
            &self.generation.to_le_bytes(),
            &[key.tree.tag()],
            &key.chunk(0),
            &last.to_le_bytes(),
        ])
    }

    /// Compresses and seals an entry and cuts it into chunks. `last` is the last record of a pack, else 0.
    /// None: too large, or no random bytes.
    pub(crate) fn seal(&self, key: EntryKey, last: u64, plain: &[u8]) -> Option<Vec<KeyValue>> {
        let mut packed = u32::try_from(plain.len()).ok()?.to_le_bytes().to_vec();
        packed.extend(zstd::bulk::compress(plain, 3).ok()?);
        let sealed = self.bound(key, last, |aad| self.key.seal(aad, &packed))?;
        let n_chunks = u16::try_from(sealed.len().div_ceil(BODY_BYTES_MAX)).ok()?;
        let bodies = (0..n_chunks).zip(sealed.chunks(BODY_BYTES_MAX));
        Some(bodies.map(|(number, body)| Chunk { key, number, n_chunks, last, body }.encode()).collect())
    }

    /// Opens an entry; none when it is not what was sealed under this key.
    pub(crate) fn open(&self, entry: &Entry) -> Option<Vec<u8>> {
        let packed = self.bound(entry.key, entry.last, |aad| self.key.open(aad, &entry.sealed))?;
        let (length, packed) = packed.split_first_chunk::<4>()?;
        zstd::bulk::decompress(packed, usize::try_from(u32::from_le_bytes(*length)).ok()?).ok()
    }
}

/// A sealed entry, put together from its chunks.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: EntryKey,
    pub(crate) last: u64,
    pub(crate) n_chunks: u16,
    pub(crate) sealed: Vec<u8>,
}

/// One value in sled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk<'a> {
    pub(crate) key: EntryKey,
    pub(crate) number: u16,
    pub(crate) n_chunks: u16,
    pub(crate) last: u64,
    pub(crate) body: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Key and value: magic, tree, chunks, key, last, body length, checksum, body.
    fn encode(&self) -> KeyValue {
        let key = self.key.chunk(self.number);
        let mut value = Vec::with_capacity(HEADER_BYTES + self.body.len());
        value.extend_from_slice(&CHUNK_MAGIC);
        value.push(self.key.tree.tag());
        value.extend_from_slice(&self.n_chunks.to_le_bytes());
        value.extend_from_slice(&key);
        value.extend_from_slice(&self.last.to_le_bytes());
        // A body is shorter than 7 KiB.
        value.extend_from_slice(&u16::try_from(self.body.len()).unwrap_or(u16::MAX).to_le_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c(&value), self.body);
        value.extend_from_slice(&crc.to_le_bytes());
        value.extend_from_slice(self.body);
        (key.to_vec(), value)
    }

    /// Reads a chunk from the front of `bytes`; none when there is no whole one.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER_BYTES)?;
        let tree = Tree::from_tag(*header.get(4)?)?;
        let (key, number) = EntryKey::of_chunk(tree, &header[7..21])?;
        let n_chunks = u16::from_le_bytes(header[5..7].try_into().ok()?);
        let last = u64::from_le_bytes(header[21..29].try_into().ok()?);
        let body = rest.get(..usize::from(u16::from_le_bytes(header[29..31].try_into().ok()?)))?;
        let crc = u32::from_le_bytes(header[31..].try_into().ok()?);
        let whole = header[..4] == CHUNK_MAGIC && crc == crc32c::crc32c_append(crc32c::crc32c(&header[..31]), body);
        whole.then_some(Self { key, number, n_chunks, last, body })
    }

    pub(crate) fn value_bytes(&self) -> usize {
        HEADER_BYTES + self.body.len()
    }
}

/// Puts entries together from chunks that come in the order of their keys.
#[derive(Default)]
pub(crate) struct Assembly {
    entry: Option<(Entry, u16)>,
}

impl Assembly {
    /// Takes a chunk and gives the entry that it completes. Chunks that do not fit are dropped with their entry.
    pub(crate) fn take(&mut self, value: &[u8]) -> Option<Entry> {
        let chunk = Chunk::decode(value)?;
        if chunk.number == 0 {
            let entry = Entry { key: chunk.key, last: chunk.last, n_chunks: chunk.n_chunks, sealed: Vec::new() };
            self.entry = Some((entry, 0));
        }
        let (entry, next) = self.entry.as_mut()?;
        if entry.key != chunk.key || *next != chunk.number || entry.n_chunks != chunk.n_chunks {
            self.entry = None;
            return None;
        }
        entry.sealed.extend_from_slice(chunk.body);
        *next += 1;
        if *next == entry.n_chunks { self.entry.take().map(|(entry, _)| entry) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn seal() -> EntrySeal {
        let key = SealKey::new(&Zeroizing::new([7; 32]));
        EntrySeal { account: AccountId::new("acme").unwrap(), generation: 1, key }
    }

    /// Bytes that do not compress.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u64;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(length)
        .collect()
    }

    #[test]
    fn no_value_is_over_seven_kibibytes_and_entries_come_back() {
        // Sealing adds 28 bytes, the length 4, and zstd about 12 to what it cannot compress.
        for length in [0, 1, BODY_BYTES_MAX - 60, BODY_BYTES_MAX, BODY_BYTES_MAX + 1, 300_000] {
            let key = EntryKey::pack(3, 17);
            let plain = noise(length);
            let chunks = seal().seal(key, 20, &plain).unwrap();
            assert!(chunks.iter().all(|(_, value)| value.len() <= VALUE_BYTES_MAX));
            assert!(chunks.is_sorted());
            let mut assembly = Assembly::default();
            let entries: Vec<_> = chunks.iter().filter_map(|(_, value)| assembly.take(value)).collect();
            assert_eq!(entries.len(), 1);
            assert_eq!(seal().open(&entries[0]).unwrap(), plain);
        }
    }

    #[test]
    fn an_entry_under_another_key_or_from_another_generation_does_not_open() {
        let chunks = seal().seal(EntryKey::pack(3, 17), 20, b"secret").unwrap();
        let entry = Assembly::default().take(&chunks[0].1).unwrap();
        assert!(seal().open(&entry).is_some());
        assert!(EntrySeal { generation: 2, ..seal() }.open(&entry).is_none());
        assert!(seal().open(&Entry { key: EntryKey::pack(4, 17), ..entry }).is_none());
    }

    #[test]
    fn every_flipped_bit_of_a_chunk_is_noticed() {
        let (_, value) = seal().seal(EntryKey::pack(3, 17), 20, b"secret").unwrap().remove(0);
        for bit in 0..value.len() * 8 {
            let mut damaged = value.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Chunk::decode(&damaged), None, "bit {bit}");
        }
    }
}
