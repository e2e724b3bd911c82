//! The encoded messages of RSA signatures (RFC 8017 §9), for code that computes the private operation itself.

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};

/// Bytes of SHA-256, and of the salt (RFC 7518 §3.5).
pub const HASH_LEN: usize = 32;

/// The bytes before a SHA-256 value in a DigestInfo (RFC 8017 §9.2, note 1).
const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, HASH_LEN as u8];

/// EMSA-PKCS1-v1_5 (RFC 8017 §9.2) with SHA-256, in `len` bytes; at least 62.
pub fn pkcs1(message: &[u8], len: usize) -> Vec<u8> {
    let mut encoded = vec![0xFF; len];
    let tail = len - DIGEST_INFO.len() - HASH_LEN;
    encoded[..2].copy_from_slice(&[0, 1]);
    encoded[tail - 1] = 0;
    encoded[tail..tail + DIGEST_INFO.len()].copy_from_slice(&DIGEST_INFO);
    encoded[len - HASH_LEN..].copy_from_slice(digest(&SHA256, message).as_ref());
    encoded
}

/// EMSA-PSS (RFC 8017 §9.1.1) with SHA-256 and MGF1, for a modulus that fills its `len` bytes; at least 66.
pub fn pss(message: &[u8], salt: &[u8; HASH_LEN], len: usize) -> Vec<u8> {
    let hash = hash(&[&[0; 8], digest(&SHA256, message).as_ref(), salt]);
    let mut encoded = vec![0; len];
    let (data, rest) = encoded.split_at_mut(len - HASH_LEN - 1);
    data[data.len() - HASH_LEN - 1] = 1;
    let salt_at = data.len() - HASH_LEN;
    data[salt_at..].copy_from_slice(salt);
    mask(data, hash.as_ref());
    data[0] &= 0x7F; // one bit less than the modulus has
    rest[..HASH_LEN].copy_from_slice(hash.as_ref());
    rest[HASH_LEN] = 0xBC;
    encoded
}

/// Adds MGF1 (RFC 8017 B.2.1) of a seed to the data.
fn mask(data: &mut [u8], seed: &[u8]) {
    for (counter, chunk) in (0_u32..).zip(data.chunks_mut(HASH_LEN)) {
        let block = hash(&[seed, &counter.to_be_bytes()]);
        for (byte, mask) in chunk.iter_mut().zip(block.as_ref()) {
            *byte ^= mask;
        }
    }
}

fn hash(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    context.finish()
}
