//! A hash tree over a list, as of RFC 9162: one hash stands for all leaves and their order, and tells none of them.

use ring::digest::{SHA256, digest};

use crate::hex::hex;

type Hash = [u8; 32];

/// A tree that grows by its leaves; it holds one hash for each level.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    /// Roots of whole subtrees with their heights, the highest first.
    roots: Vec<(u32, Hash)>,
}

impl Tree {
    /// Adds a leaf.
    pub(super) fn push(&mut self, leaf: &[u8]) {
        let (mut height, mut hash) = (0, sum(&[&[0], leaf]));
        while let Some((_, left)) = self.roots.pop_if(|(other, _)| *other == height) {
            hash = sum(&[&[1], &left, &hash]);
            height += 1;
        }
        self.roots.push((height, hash));
    }

    /// The root, in hex; that of no leaves is the hash of nothing.
    pub(super) fn root(&self) -> String {
        let roots = self.roots.iter().rev().map(|(_, hash)| *hash);
        let root = roots.reduce(|right, left| sum(&[&[1], &left, &right])).unwrap_or_else(|| sum(&[]));
        hex(root)
    }
}

fn sum(parts: &[&[u8]]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &parts.concat()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_root_is_that_of_the_standard() {
        // Leaves and roots of the test vectors that certificate transparency publishes.
        let leaves: [&[u8]; 4] = [b"", b"\x00", b"\x10", b"\x20\x21"];
        let mut tree = Tree::default();
        let mut roots = vec![tree.root()];
        for leaf in leaves {
            tree.push(leaf);
            roots.push(tree.root());
        }
        expect![[r"
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
            6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
            fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
            aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77
            d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]]
        .assert_eq(&roots.join("\n"));
    }
}
