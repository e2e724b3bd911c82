//! One PEM block (RFC 7468), read strictly, except for changes that editors and transports make to a text
//! file.

use pem_rfc7468::{Decoder, LineEnding};
use zeroize::Zeroizing;

use crate::KeyError;

/// The kind of content that the label of the block names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// `PRIVATE KEY`: PKCS#8.
    Pkcs8,
    /// `RSA PRIVATE KEY`: PKCS#1.
    Pkcs1,
    /// `EC PRIVATE KEY`: SEC1.
    Sec1,
    /// `PUBLIC KEY`: SubjectPublicKeyInfo.
    Spki,
    /// `RSA PUBLIC KEY`: PKCS#1.
    Pkcs1Public,
}

/// The text of a key file, for [`SigningKey::from_pem`](crate::SigningKey::from_pem) and
/// [`VerifyingKey::from_spki_pem`](crate::VerifyingKey::from_spki_pem).
///
/// # Errors
/// `Binary` if the bytes look like DER, `NotPem` if they are not text at all.
pub fn text_of(file: &[u8]) -> Result<&str, KeyError> {
    match (std::str::from_utf8(file), file) {
        (Ok(text), _) => Ok(text),
        (Err(_), [crate::der::SEQUENCE, ..]) => Err(KeyError::Binary),
        (Err(_), _) => Err(KeyError::NotPem),
    }
}

/// The label and the DER of the only block. A byte order mark, CRLF, surrounding blank lines and
/// any line width are tolerated; the DER is wiped when dropped.
///
/// # Errors
/// `NotPem`, `Binary`, `SeveralBlocks`, `Encrypted`, `NotAKey` or `Malformed`.
pub fn only_block(text: &str) -> Result<(Label, Zeroizing<Vec<u8>>), KeyError> {
    let text = text.trim_start_matches('\u{FEFF}').trim();
    match text.matches("-----BEGIN ").count() {
        // A small DER key can be valid UTF-8, and a lossy conversion makes any DER so.
        0 if text.starts_with('0') && text.contains(|c: char| c.is_control() || c == '\u{FFFD}') => {
            return Err(KeyError::Binary);
        }
        0 => return Err(KeyError::NotPem),
        1 => {}
        _ => return Err(KeyError::SeveralBlocks),
    }
    // RFC 1421 headers: the traditional encryption of PKCS#1 and SEC1 keys.
    if text.contains("Proc-Type:") && text.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    let mut decoder = Decoder::new_detect_wrap(text.as_bytes()).map_err(|_| KeyError::Malformed)?;
    let label = label_of(decoder.type_label())?;
    let mut der = Zeroizing::new(vec![0; decoder.remaining_len()]);
    decoder.decode(&mut der).map_err(|_| KeyError::Malformed)?;
    Ok((label, der))
}

fn label_of(label: &str) -> Result<Label, KeyError> {
    match label {
        "PRIVATE KEY" => Ok(Label::Pkcs8),
        "RSA PRIVATE KEY" => Ok(Label::Pkcs1),
        "EC PRIVATE KEY" => Ok(Label::Sec1),
        "PUBLIC KEY" => Ok(Label::Spki),
        "RSA PUBLIC KEY" => Ok(Label::Pkcs1Public),
        "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
        _ => Err(KeyError::NotAKey),
    }
}

/// A PKCS#8 private key as text: LF, 64 columns, a line end at the end, wiped when dropped.
///
/// # Errors
/// `Malformed` if the key is larger than memory allows to encode.
pub fn of_pkcs8(der: &[u8]) -> Result<Zeroizing<String>, KeyError> {
    encode("PRIVATE KEY", der).map(Zeroizing::new)
}

/// A SubjectPublicKeyInfo as text: the bytes that OpenSSL and Node.js write.
///
/// # Errors
/// `Malformed` if the key is larger than memory allows to encode.
pub fn of_spki(der: &[u8]) -> Result<String, KeyError> {
    encode("PUBLIC KEY", der)
}

fn encode(label: &str, der: &[u8]) -> Result<String, KeyError> {
    pem_rfc7468::encode_string(label, LineEnding::LF, der).map_err(|_| KeyError::Malformed)
}
