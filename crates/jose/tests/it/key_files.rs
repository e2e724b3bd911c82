//! Key files: which loads for which algorithm, and why each other does not.

use std::fs;

use jose::{Algorithm, KeyError, SigningKey, VerifyingKey, pem_text};
use pem_rfc7468::LineEnding;

use crate::support::{KEYS, decoded, key};
use Holds::{NoKey, Private, Public};

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/keys/");

const RSA: &str = "an RSA key";
const P256: &str = "an EC P-256 key";
const ED25519: &str = "an Ed25519 key";
const ML_DSA_44: &str = "an ML-DSA-44 key";
const ML_DSA_65: &str = "an ML-DSA-65 key";
const ML_DSA_87: &str = "an ML-DSA-87 key";

/// What a file holds: a key of this kind, with the flaw for which even its own algorithms refuse it; or
/// nothing that gets as far as having a kind.
#[derive(Clone, Copy)]
enum Holds {
    Private(&'static str, Option<&'static KeyError>),
    Public(&'static str, Option<&'static KeyError>),
    NoKey(&'static KeyError),
}

const FILES: [(&str, Holds); 34] = [
    ("certificate.pem", NoKey(&KeyError::NotAKey)),
    ("ed25519.pem", Private(ED25519, None)),
    ("ed25519_public.pem", Public(ED25519, None)),
    ("ed448.pem", Private("an Ed448 key", None)),
    ("ml_dsa_44_both.pem", Private(ML_DSA_44, None)),
    ("ml_dsa_44_expanded.pem", Private(ML_DSA_44, Some(&KeyError::NoSeed))),
    ("ml_dsa_44_inconsistent.pem", Private(ML_DSA_44, Some(&KeyError::Malformed))),
    ("ml_dsa_44_public.pem", Public(ML_DSA_44, None)),
    ("ml_dsa_44_seed.pem", Private(ML_DSA_44, None)),
    ("ml_dsa_65_public.pem", Public(ML_DSA_65, None)),
    ("ml_dsa_65_seed.pem", Private(ML_DSA_65, None)),
    ("ml_dsa_87_public.pem", Public(ML_DSA_87, None)),
    ("ml_dsa_87_seed.pem", Private(ML_DSA_87, None)),
    ("p256.pem", Private(P256, None)),
    ("p256_public.pem", Public(P256, None)),
    ("p256_public_compressed.pem", Public(P256, None)),
    ("p256_sec1.pem", Private(P256, None)),
    ("p384.pem", Private("an EC P-384 key", None)),
    ("p384_sec1.pem", Private("an EC P-384 key", None)),
    ("rfc7520_3_4.pem", Private(RSA, None)),
    ("rfc8037_a1.pem", Private(ED25519, None)),
    ("rsa_1024.pem", Private(RSA, Some(&KeyError::TooWeak { bits: 1024 }))),
    ("rsa_2048.pem", Private(RSA, None)),
    ("rsa_2048_encrypted.pem", NoKey(&KeyError::Encrypted)),
    ("rsa_2048_pkcs1.pem", Private(RSA, None)),
    ("rsa_2048_pkcs1_encrypted.pem", NoKey(&KeyError::Encrypted)),
    ("rsa_2048_pkcs1_public.pem", Public(RSA, None)),
    ("rsa_2048_public.pem", Public(RSA, None)),
    ("rsa_8256_public.pem", Public(RSA, Some(&KeyError::TooLarge { bits: 8256 }))),
    ("rsa_e3.pem", Private(RSA, Some(&KeyError::WeakExponent))),
    ("rsa_pss.pem", Private("an RSA key restricted to PSS", None)),
    ("rsa_roca_public.pem", Public(RSA, Some(&KeyError::Roca))),
    ("secp256k1.pem", Private("an EC secp256k1 key", None)),
    ("x25519.pem", Private("an X25519 key", None)),
];

fn needed_by(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => RSA,
        Algorithm::Es256 => P256,
        Algorithm::EdDsa => ED25519,
        Algorithm::MlDsa44 => ML_DSA_44,
        Algorithm::MlDsa65 => ML_DSA_65,
        Algorithm::MlDsa87 => ML_DSA_87,
    }
}

fn file(name: &str) -> String {
    fs::read_to_string(format!("{DIR}{name}")).unwrap()
}

fn private(algorithm: Algorithm, text: &str) -> Result<VerifyingKey, KeyError> {
    SigningKey::from_pem(algorithm, text).map(|key| key.verifying_key().clone())
}

type Load = fn(Algorithm, &str) -> Result<VerifyingKey, KeyError>;

/// The files that load, each with its algorithms and the function that loads it.
fn loading() -> impl Iterator<Item = (&'static str, Algorithm, Load)> {
    FILES.into_iter().flat_map(|(name, holds)| {
        let (kind, load): (_, Load) = match holds {
            Private(kind, None) => (kind, private),
            Public(kind, None) => (kind, VerifyingKey::from_spki_pem),
            _ => ("", private),
        };
        let fitting = Algorithm::ALL.into_iter().filter(move |&algorithm| needed_by(algorithm) == kind);
        fitting.map(move |algorithm| (name, algorithm, load))
    })
}

fn block(text: &str) -> (&str, Vec<u8>) {
    pem_rfc7468::decode_vec(text.as_bytes()).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    pem_rfc7468::encode_string(label, LineEnding::LF, der).unwrap()
}

#[test]
fn every_file_loads_for_its_own_algorithms_and_is_refused_for_its_own_reason() {
    let mut names: Vec<_> =
        fs::read_dir(DIR).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, FILES.map(|(name, _)| name));

    for (name, holds) in FILES {
        let text = file(name);
        for algorithm in Algorithm::ALL {
            let of_kind = |found, flaw: Option<&KeyError>| match flaw {
                _ if found != needed_by(algorithm) => {
                    Err(KeyError::WrongKind { found, expected: needed_by(algorithm) })
                }
                Some(flaw) => Err(flaw.clone()),
                None => Ok(algorithm),
            };
            let (as_private, as_public) = match holds {
                Private(found, flaw) => (of_kind(found, flaw), Err(KeyError::PrivateKey)),
                Public(found, flaw) => (Err(KeyError::PublicKey), of_kind(found, flaw)),
                NoKey(reason) => (Err(reason.clone()), Err(reason.clone())),
            };
            let loaded = SigningKey::from_pem(algorithm, &text).map(|key| key.algorithm());
            assert_eq!(loaded, as_private, "{name} as a private key for {algorithm}");
            let loaded = VerifyingKey::from_spki_pem(algorithm, &text).map(|key| key.algorithm());
            assert_eq!(loaded, as_public, "{name} as a public key for {algorithm}");
        }
    }
}

#[test]
fn all_encodings_of_a_key_are_the_same_key() {
    for (algorithm, private_files, public_files) in [
        (
            Algorithm::Rs256,
            &["rsa_2048.pem", "rsa_2048_pkcs1.pem"][..],
            &["rsa_2048_public.pem", "rsa_2048_pkcs1_public.pem"][..],
        ),
        (
            Algorithm::Ps256,
            &["rsa_2048.pem", "rsa_2048_pkcs1.pem"],
            &["rsa_2048_public.pem", "rsa_2048_pkcs1_public.pem"],
        ),
        (
            Algorithm::Es256,
            &["p256.pem", "p256_sec1.pem"],
            &["p256_public.pem", "p256_public_compressed.pem"],
        ),
        (Algorithm::EdDsa, &["ed25519.pem"], &["ed25519_public.pem"]),
        (Algorithm::MlDsa44, &["ml_dsa_44_seed.pem", "ml_dsa_44_both.pem"], &["ml_dsa_44_public.pem"]),
        (Algorithm::MlDsa65, &["ml_dsa_65_seed.pem"], &["ml_dsa_65_public.pem"]),
        (Algorithm::MlDsa87, &["ml_dsa_87_seed.pem"], &["ml_dsa_87_public.pem"]),
    ] {
        for public_file in public_files {
            let public = VerifyingKey::from_spki_pem(algorithm, &file(public_file)).unwrap();
            assert_eq!(public.to_spki_pem(), file(public_files[0]), "as other tools write it");
            for private_file in private_files {
                let private = SigningKey::from_pem(algorithm, &file(private_file)).unwrap();
                assert_eq!(*private.verifying_key(), public, "{private_file} {public_file}");
                assert!(
                    public.verify(b"message", &private.sign(b"message").unwrap()),
                    "{private_file} {public_file}"
                );
            }
        }
    }
}

#[test]
fn a_written_key_is_read_back_as_the_same_key() {
    let of_files =
        loading().filter_map(|(name, algorithm, _)| SigningKey::from_pem(algorithm, &file(name)).ok());
    let keys: Vec<SigningKey> = of_files.collect();
    assert_eq!(keys.len(), 14);
    for key in keys.iter().chain(&*KEYS) {
        let algorithm = key.algorithm();
        let text = key.to_pkcs8_pem().unwrap();
        assert!(
            text.starts_with("-----BEGIN PRIVATE KEY-----\n")
                && text.ends_with("\n-----END PRIVATE KEY-----\n")
        );
        assert!(text.lines().all(|line| line.len() <= 64));
        let back = SigningKey::from_pem(algorithm, &text).unwrap();
        assert_eq!(back.verifying_key(), key.verifying_key());
        assert_eq!(back.to_pkcs8_pem(), Ok(text));

        let text = key.verifying_key().to_spki_pem();
        let back = VerifyingKey::from_spki_pem(algorithm, &text).unwrap();
        assert_eq!(back, *key.verifying_key());
        assert_eq!(back.to_spki_pem(), text);
    }
    for (name, algorithm) in [
        ("rsa_2048.pem", Algorithm::Rs256),
        ("p256.pem", Algorithm::Es256),
        ("ed25519.pem", Algorithm::EdDsa),
        ("ml_dsa_44_seed.pem", Algorithm::MlDsa44),
        ("ml_dsa_65_seed.pem", Algorithm::MlDsa65),
        ("ml_dsa_87_seed.pem", Algorithm::MlDsa87),
    ] {
        let key = SigningKey::from_pem(algorithm, &file(name)).unwrap();
        assert_eq!(*key.to_pkcs8_pem().unwrap(), file(name), "as other tools write it");
    }
}

#[test]
fn what_editors_and_transports_do_to_a_text_file_is_tolerated() {
    for (name, algorithm, load) in loading() {
        let text = file(name);
        let (label, der) = block(&text);
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let wrapped = |width| {
            let lines: Vec<_> =
                body.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
        };
        let key = load(algorithm, &text).unwrap();
        for variant in [
            text.replace('\n', "\r\n"),
            format!("\u{FEFF}{text}"),
            format!("\u{FEFF}\r\n{}\r\n\r\n", text.replace('\n', "\r\n")),
            format!("\n\n \t\n{text}\n\t\n\n"),
            text.trim_end().to_owned(),
            wrapped(76),
            wrapped(usize::MAX),
            pem(label, &der),
            format!("Bag Attributes\n    friendlyName: key\nKey Attributes: <No Attributes>\n{text}"),
        ] {
            assert_eq!(load(algorithm, &variant).as_ref(), Ok(&key), "{name} {variant}");
        }
    }
}

#[test]
fn other_changes_of_the_text_are_not() {
    for (name, algorithm, load) in loading() {
        let text = file(name);
        let (label, _) = block(&text);
        let first = text.lines().nth(1).unwrap();
        let inserted = |place: usize, what: &str| {
            text.replace(first, &format!("{}{what}{}", &first[..place], &first[place..]))
        };
        for variant in [
            format!("{text}and more"),
            format!("{text}-----END {label}-----\n"),
            text.replace("-----END ", "-----END X"),
            text.replace("-----END ", "----END "),
            text.replace("-----BEGIN ", "-----BEGIN \u{e9}"),
            text.replacen('\n', "", 1),
            text.replacen('\n', "\n\n", 1),
            text.replacen('\n', "\nComment: none\n\n", 1),
            inserted(0, " "),
            inserted(4, "\n"),
            inserted(4, "="),
            inserted(4, "-"),
            inserted(4, "_"),
            inserted(4, "\0"),
            inserted(4, "AAAA"),
            text.replace(first, &first[4..]),
        ] {
            assert_eq!(load(algorithm, &variant), Err(KeyError::Malformed), "{name} {variant}");
        }
        let lower = text.replace("BEGIN", "begin");
        assert_eq!(load(algorithm, &lower), Err(KeyError::NotPem), "{name}");
    }
}

#[test]
fn a_file_holds_exactly_one_block() {
    for (name, algorithm, load) in loading() {
        let text = file(name);
        for other in [&text[..], &file("certificate.pem"), "-----BEGIN EC PARAMETERS-----\n"] {
            for both in [format!("{text}{other}"), format!("{other}\n{text}")] {
                assert_eq!(load(algorithm, &both), Err(KeyError::SeveralBlocks), "{name} {both}");
            }
        }
    }
}

#[test]
fn a_text_without_a_block_is_no_pem() {
    for text in [
        "",
        "\u{FEFF}",
        "\n\n",
        "key",
        "BEGIN PRIVATE KEY",
        "-----BEGIN",
        "ssh-ed25519 AAAA me@here",
        "{\"kty\":\"RSA\"}",
        "0123",
    ] {
        assert_eq!(private(Algorithm::Es256, text), Err(KeyError::NotPem), "{text}");
        assert_eq!(VerifyingKey::from_spki_pem(Algorithm::Es256, text), Err(KeyError::NotPem), "{text}");
    }
    for text in [
        "-----BEGIN -----",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
    ] {
        assert_eq!(private(Algorithm::Es256, text), Err(KeyError::Malformed), "{text}");
    }
}

#[test]
fn other_labels_are_refused_and_a_label_that_lies_too() {
    const LABELS: [&str; 5] =
        ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "RSA PUBLIC KEY"];
    for (name, algorithm, load) in loading() {
        let text = file(name);
        let (label, der) = block(&text);
        for other in
            ["CERTIFICATE", "CERTIFICATE REQUEST", "EC PARAMETERS", "OPENSSH PRIVATE KEY", "PRIVATE  KEY"]
        {
            let refused = load(algorithm, &text.replace(label, other)).unwrap_err();
            let expected = if other.contains("  ") { KeyError::Malformed } else { KeyError::NotAKey };
            assert_eq!(refused, expected, "{name} as {other}");
        }
        assert_eq!(load(algorithm, &text.replace(label, "ENCRYPTED PRIVATE KEY")), Err(KeyError::Encrypted));
        for other in LABELS.into_iter().filter(|other| *other != label) {
            let load = if other.contains("PUBLIC") { VerifyingKey::from_spki_pem } else { private };
            let believed = other.starts_with("RSA") && !algorithm.is_rsa();
            let expected = if believed {
                KeyError::WrongKind { found: RSA, expected: needed_by(algorithm) }
            } else {
                KeyError::Malformed
            };
            assert_eq!(load(algorithm, &pem(other, &der)), Err(expected), "{name} as {other}");
        }
    }
}

#[test]
fn a_truncated_file_is_refused_at_every_byte() {
    for (name, _) in FILES {
        let text = file(name);
        let text = text.trim_end();
        for len in 0..text.len() {
            let cut = &text[..len];
            let expected = if len < "-----BEGIN X".len() {
                KeyError::NotPem
            } else if cut.contains("Proc-Type: 4,ENCRYPTED") {
                KeyError::Encrypted
            } else {
                KeyError::Malformed
            };
            assert_eq!(private(Algorithm::Rs256, cut), Err(expected.clone()), "{name} cut to {len}");
            assert_eq!(
                VerifyingKey::from_spki_pem(Algorithm::Rs256, cut),
                Err(expected),
                "{name} cut to {len}"
            );
        }
    }
}

#[test]
fn truncated_or_longer_der_in_a_sound_block_is_malformed() {
    for (name, algorithm, load) in loading() {
        let text = file(name);
        let (label, der) = block(&text);
        for len in 0..der.len() {
            let cut = pem(label, &der[..len]);
            assert_eq!(load(algorithm, &cut), Err(KeyError::Malformed), "{name} cut to {len}");
        }
        for more in [&[0][..], &der] {
            let longer = pem(label, &[&der, more].concat());
            assert_eq!(load(algorithm, &longer), Err(KeyError::Malformed), "{name}");
        }
    }
}

#[test]
fn der_is_told_from_other_bytes() {
    for (name, _) in FILES.into_iter().filter(|(name, _)| !name.contains("pkcs1_encrypted")) {
        let text = file(name);
        assert_eq!(pem_text(text.as_bytes()), Ok(&text[..]));
        let (_, der) = block(&text);
        assert_eq!(pem_text(&der), Err(KeyError::Binary), "{name}");
        let lossy = String::from_utf8_lossy(&der);
        assert_eq!(private(Algorithm::Rs256, &lossy), Err(KeyError::Binary), "{name}");
        assert_eq!(VerifyingKey::from_spki_pem(Algorithm::Rs256, &lossy), Err(KeyError::Binary), "{name}");
    }
    // An Ed25519 key of ASCII bytes: DER that is text as well.
    let ascii = [&b"0.\x02\x01\x000\x05\x06\x03+ep\x04\x22\x04\x20"[..], &[b'a'; 32]].concat();
    let text = pem_text(&ascii).unwrap();
    assert_eq!(private(Algorithm::EdDsa, text), Err(KeyError::Binary));
    assert!(private(Algorithm::EdDsa, &pem("PRIVATE KEY", &ascii)).is_ok());

    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(file("p256.pem").bytes().flat_map(|byte| [byte, 0])).collect();
    for bytes in [&utf16[..], &[0xFF; 100], b"\xE9t\xE9", &[0xFE, 0xED, 0xFE, 0xED]] {
        assert_eq!(pem_text(bytes), Err(KeyError::NotPem));
    }
    assert_eq!(private(Algorithm::EdDsa, pem_text(&utf16[2..]).unwrap()), Err(KeyError::NotPem));
}

#[test]
fn a_private_key_file_with_the_public_key_of_another_is_malformed() {
    let jwk = serde_json::to_value(key(Algorithm::Es256).verifying_key().to_jwk("")).unwrap();
    let point = ["x", "y"].map(|name| decoded(jwk[name].as_str().unwrap())).concat();
    for name in ["p256.pem", "p256_sec1.pem"] {
        let text = file(name);
        let (label, mut der) = block(&text);
        let at = der.len() - 64;
        der[at..].copy_from_slice(&point);
        assert_eq!(private(Algorithm::Es256, &pem(label, &der)), Err(KeyError::Malformed), "{name}");
    }

    // PKCS#8 version 2 has room for the public key (RFC 8410 §7).
    let (text, public) = (file("ed25519.pem"), file("ed25519_public.pem"));
    let (label, mut der) = block(&text);
    let (_, spki) = block(&public);
    der[1] += 35;
    der[4] = 1;
    der.extend([0x81, 33, 0]);
    der.extend(&spki[12..]);
    assert_eq!(
        private(Algorithm::EdDsa, &pem(label, &der)),
        VerifyingKey::from_spki_pem(Algorithm::EdDsa, &public)
    );
    let last = der.len() - 1;
    der[last] ^= 1;
    assert_eq!(private(Algorithm::EdDsa, &pem(label, &der)), Err(KeyError::Malformed));
}

#[test]
fn a_flipped_bit_never_makes_a_key_whose_halves_differ() {
    for (name, algorithm, _) in loading().filter(|(_, algorithm, _)| *algorithm != Algorithm::Ps256) {
        let text = file(name);
        let (label, der) = block(&text);
        let Ok(original) = private(algorithm, &text) else { continue };
        // Some keys are long: every seventh bit, which meets each bit of a byte in turn.
        for bit in (0..der.len() * 8).step_by(if der.len() > 500 { 7 } else { 1 }) {
            let mut der = der.clone();
            der[bit / 8] ^= 1 << (bit % 8);
            let Ok(key) = SigningKey::from_pem(algorithm, &pem(label, &der)) else { continue };
            let signature = key.sign(b"message").unwrap();
            assert!(key.verifying_key().verify(b"message", &signature), "{name}, bit {bit}");
            // Any 32 octets are an Ed25519 key or a seed; the other files say things twice.
            let any = algorithm == Algorithm::EdDsa || name.ends_with("seed.pem");
            assert!(any || *key.verifying_key() == original, "{name}, bit {bit}");
        }
    }
}

#[test]
fn only_sound_sizes_are_generated() {
    let refused = |bits| SigningKey::generate(Algorithm::Ps256, bits).map(|_| ()).unwrap_err();
    for bits in [0, 512, 1024, 2047] {
        assert_eq!(refused(bits), KeyError::TooWeak { bits });
    }
    for bits in [2049, 2304, 8192, 16384, u32::MAX] {
        assert_eq!(refused(bits), KeyError::UnsupportedSize);
    }
}

#[test]
fn debug_and_errors_show_no_key_material() {
    for key in &*KEYS {
        assert_eq!(format!("{key:?}"), format!("SigningKey({:?})", key.algorithm()));
        assert_eq!(format!("{:?}", key.verifying_key()), format!("VerifyingKey({:?})", key.algorithm()));
    }
    for (name, _) in FILES {
        let text = file(name);
        let body: Vec<&str> = text.lines().filter(|line| !line.starts_with("-----")).collect();
        let broken = text.replacen('\n', "\n!", 1);
        for algorithm in Algorithm::ALL {
            for text in [&text, &broken, &body.join("\n")] {
                let private = SigningKey::from_pem(algorithm, text);
                let public = VerifyingKey::from_spki_pem(algorithm, text);
                let errors = [private.as_ref().err(), public.as_ref().err()].into_iter().flatten();
                let messages: String = errors.map(KeyError::to_string).collect();
                let said = format!("{private:?} {public:?} {messages}");
                let shown = body
                    .iter()
                    .flat_map(|line| line.as_bytes().windows(8))
                    .find(|&piece| said.contains(std::str::from_utf8(piece).unwrap()));
                assert_eq!(shown, None, "{name}: {said}");
            }
        }
    }
}

#[test]
fn messages_are_stable() {
    let messages = [
        (KeyError::NotPem, "this is not a PEM file: no \"-----BEGIN …-----\" line was found"),
        (KeyError::Binary, "this is a binary (DER) file; convert it to PEM"),
        (KeyError::SeveralBlocks, "the file holds more than one PEM block; exactly one is needed"),
        (KeyError::NotAKey, "the PEM block is not a key (it may be a certificate, a request or parameters)"),
        (KeyError::Encrypted, "the private key is encrypted with a passphrase; decrypt it first"),
        (KeyError::PublicKey, "this is a public key; a private key is needed"),
        (KeyError::PrivateKey, "this is a private key; a public key is needed"),
        (KeyError::WrongKind { found: P256, expected: RSA }, "this is an EC P-256 key; an RSA key is needed"),
        (KeyError::TooWeak { bits: 1024 }, "the RSA key has 1024 bits; at least 2048 are needed"),
        (KeyError::TooLarge { bits: 8256 }, "the RSA key has 8256 bits; at most 8192 are accepted"),
        (KeyError::UnsupportedSize, "RSA keys are generated with 2048, 3072 or 4096 bits"),
        (KeyError::WeakExponent, "the public exponent of the RSA key is not 65537"),
        (
            KeyError::Roca,
            "the RSA key comes from a flawed generator (ROCA, CVE-2017-15361) and can be factored",
        ),
        (KeyError::Malformed, "the key is damaged or not in the expected encoding"),
        (KeyError::NoSeed, "the ML-DSA key is stored without its seed; a key with its seed is needed"),
        (KeyError::InvalidJwk("why"), "the JWK is not acceptable: why"),
        (KeyError::Generation, "the cryptographic library could not generate a key"),
    ];
    for (error, message) in messages {
        assert_eq!(error.to_string(), message);
    }
}
