//! The header in which proxies name the address for which they forward a request.

use std::net::{IpAddr, Ipv6Addr};

/// One of the headers that proxies use. A proxy sets one of them and forwards the others as a client sent
/// them. A program that reads two of them would believe a header that a client made up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeader {
    /// Addresses separated by commas; each proxy appends the address that it sees.
    #[default]
    XForwardedFor,
    /// RFC 7239; each proxy appends an element with `for=`.
    Forwarded,
    /// One address; a proxy replaces the value that was there.
    XRealIp,
}

/// The text names none of the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be X-Forwarded-For, Forwarded or X-Real-IP")]
pub struct ProxyHeaderError;

impl ProxyHeader {
    /// All headers.
    pub const ALL: [Self; 3] = [Self::XForwardedFor, Self::Forwarded, Self::XRealIp];

    /// Reads a header's name, in upper or lower case.
    ///
    /// # Errors
    /// [`ProxyHeaderError`]
    pub fn parse(text: &str) -> Result<Self, ProxyHeaderError> {
        let named = |header: &Self| header.name().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(named).ok_or(ProxyHeaderError)
    }

    /// The header's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "X-Forwarded-For",
            Self::Forwarded => "Forwarded",
            Self::XRealIp => "X-Real-IP",
        }
    }

    /// The addresses in the values of the header, from the one that the nearest proxy wrote to the one that
    /// the first proxy wrote; `None` for an element that is not an address. `values` are in the same order:
    /// the last line of a head comes first.
    pub(super) fn addresses<'a>(
        self,
        values: impl Iterator<Item = &'a [u8]>,
    ) -> impl Iterator<Item = Option<IpAddr>> {
        let of_line = move |line: &'a [u8]| FromRight { header: self, rest: Some(line) };
        // If proxies replace the value of this header, only the last value is from a proxy.
        let most = if self == Self::XRealIp { 1 } else { usize::MAX };
        values.flat_map(of_line).take(most).map(move |element| self.address(element))
    }

    fn address(self, element: &[u8]) -> Option<IpAddr> {
        let element = std::str::from_utf8(element).ok()?;
        match self {
            Self::Forwarded => forwarded_for(element),
            Self::XForwardedFor | Self::XRealIp => node_address(element),
        }
    }
}

/// The elements of one line, from the right. A client writes what is on the left: a quote that it leaves open
/// there must not hide what a proxy appends.
struct FromRight<'a> {
    header: ProxyHeader,
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for FromRight<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.take()?;
        let with_quotes = self.header == ProxyHeader::Forwarded;
        let mut quoted = false;
        for (at, byte) in text.iter().enumerate().rev() {
            match byte {
                b'"' if with_quotes && !is_escaped(&text[..at]) => quoted = !quoted,
                b',' if !quoted => {
                    self.rest = Some(&text[..at]);
                    return Some(&text[at + 1..]);
                }
                _ => {}
            }
        }
        Some(text)
    }
}

/// Whether what follows `before` in a quoted string is escaped (RFC 9110 §5.6.4).
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The address of the one `for=` of an element (RFC 7239 §4); `None` for `unknown` and for names that hide an
/// address.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let (mut quoted, mut escaped) = (false, false);
    let parameters = element.split(|c: char| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        c == ';' && !quoted
    });
    let pairs = parameters.filter_map(|parameter| parameter.trim_matches(BLANK).split_once('='));
    let mut named = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for"));
    match (named.next(), named.next()) {
        (Some((_, value)), None) => node_address(unquoted(value)?),
        _ => None,
    }
}

/// No address has a character that would need an escape.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None => Some(value),
    }
}

/// Optional white space (RFC 9110 §5.6.3).
const BLANK: [char; 2] = [' ', '\t'];

/// The address of a node as proxies write it (RFC 7239 §6): alone, or with a port behind it (`192.0.2.1:80`,
/// `[2001:db8::1]:80`). IPv4 within IPv6 is IPv4.
pub fn node_address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches(BLANK);
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (address.parse::<Ipv6Addr>().ok()?.to_canonical(), port)
        }
        None => {
            let at = text.find(':')?;
            (IpAddr::V4(text[..at].parse().ok()?), &text[at..])
        }
    };
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(address)
}

/// A port, or a name in its place (RFC 7239 §6).
fn is_port(text: &str) -> bool {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match text.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.bytes().all(in_name),
        None => (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::ProxyHeader::{self, Forwarded, XForwardedFor, XRealIp};

    /// What the lines of a head name, from the right; `-` for an element that is not an address.
    fn read(header: ProxyHeader, lines: &[&str]) -> Vec<String> {
        let addresses = header.addresses(lines.iter().rev().map(|line| line.as_bytes()));
        addresses.map(|address| address.map_or("-".to_owned(), |address| address.to_string())).collect()
    }

    #[test]
    fn addresses_are_read_from_the_right_in_every_form_that_proxies_write() {
        for (line, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            (" \t192.0.2.1 ", "192.0.2.1"),
            ("192.0.2.1:443", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("[::ffff:192.0.2.1]:1", "192.0.2.1"),
        ] {
            for header in [XForwardedFor, XRealIp] {
                assert_eq!(read(header, &[line]), [expected], "{line}");
            }
        }
        assert_eq!(
            read(XForwardedFor, &["a, 192.0.2.1", "192.0.2.2,192.0.2.3"]),
            ["192.0.2.3", "192.0.2.2", "192.0.2.1", "-"]
        );
        assert_eq!(read(XForwardedFor, &["\"192.0.2.1, 192.0.2.2"]), ["192.0.2.2", "-"]);
    }

    #[test]
    fn of_the_header_that_a_proxy_replaces_only_the_last_line_counts() {
        assert_eq!(read(XRealIp, &["192.0.2.1", "192.0.2.2"]), ["192.0.2.2"]);
        assert_eq!(read(XRealIp, &["192.0.2.1, 192.0.2.2"]), ["192.0.2.2"]);
        assert_eq!(read(XRealIp, &[]), [""; 0]);
    }

    #[test]
    fn a_text_that_is_not_an_address_gives_no_client() {
        for text in [
            "",
            " ",
            "unknown",
            "_hidden",
            "localhost",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.1:",
            "192.0.2.1:x",
            "192.0.2.1:+80",
            "192.0.2.1:800000",
            "192.0.2.1 80",
            "010.0.0.1",
            "0x7f.1",
            "2001:db8::1:x",
            "[2001:db8::1",
            "[2001:db8::1]443",
            "[192.0.2.1]",
            "fe80::1%eth0",
            "192.0.2.1/32",
            "192.0.2.1;",
            "192.0.2.1\u{a0}",
            "١٩٢.0.2.1",
        ] {
            assert_eq!(read(XForwardedFor, &[text]), ["-"], "{text:?}");
        }
        let bytes: &[u8] = b"192.0.2.1\xff";
        assert_eq!(XForwardedFor.addresses([bytes].into_iter()).collect::<Vec<_>>(), [None]);
    }

    /// RFC 7239 §4, §6 and §7, and what else proxies write.
    #[test]
    fn forwarded_is_read_as_its_rfc_has_it() {
        for (line, expected) in [
            ("for=192.0.2.43", "192.0.2.43"),
            ("For=192.0.2.43", "192.0.2.43"),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("proto=http ; by=203.0.113.43 ; FOR=\"192.0.2.60\"", "192.0.2.60"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"),
            ("for=\"192.0.2.43:47011\"", "192.0.2.43"),
            ("for=\"192.0.2.43:_port-1\"", "192.0.2.43"),
            ("host=\"a;for=198.51.100.1\";for=192.0.2.43", "192.0.2.43"),
            ("host=\"a\\\";for=198.51.100.1\";for=192.0.2.43", "192.0.2.43"),
            ("for=unknown", "-"),
            ("for=_gazonk", "-"),
            ("for=\"_gazonk:_1\"", "-"),
            ("by=192.0.2.43", "-"),
            ("for=", "-"),
            ("for=\"\"", "-"),
            ("for=\"192.0.2.43", "-"),
            ("for=192.0.2.43\"", "-"),
            ("for = 192.0.2.43", "-"),
            ("for=192.0.2.43;for=192.0.2.44", "-"),
            ("192.0.2.43", "-"),
            ("", "-"),
        ] {
            assert_eq!(read(Forwarded, &[line]), [expected], "{line}");
        }
        assert_eq!(
            read(Forwarded, &["for=192.0.2.43, for=\"[2001:db8:cafe::17]\"", "for=unknown"]),
            ["-", "2001:db8:cafe::17", "192.0.2.43"]
        );
    }

    /// A client may leave a quote open, and may send a `Host` that the proxy repeats in a quoted string.
    #[test]
    fn what_a_client_writes_never_hides_what_the_proxy_appends() {
        let own = "for=192.0.2.1;host=\"a\\\", for=198.51.100.1;x=\\\"b\\\\\"";
        for made_up in [
            "",
            "\"",
            "for=\"",
            "for=\"198.51.100.1",
            "for=\"\\",
            "for=198.51.100.1;x=\"",
            "\\\"",
            ",",
            "\"\"\"",
        ] {
            let line = format!("{made_up}, {own}");
            assert_eq!(read(Forwarded, &[&line]).first().map(String::as_str), Some("192.0.2.1"), "{line}");
            assert_eq!(
                read(Forwarded, &[made_up, own]).first().map(String::as_str),
                Some("192.0.2.1"),
                "{line}"
            );
        }
    }

    #[test]
    fn a_headers_name_is_taken_in_any_case() {
        assert_eq!(ProxyHeader::parse("x-forwarded-for"), Ok(XForwardedFor));
        assert_eq!(ProxyHeader::parse("FORWARDED"), Ok(Forwarded));
        assert_eq!(ProxyHeader::parse("X-Real-IP"), Ok(XRealIp));
        for other in ["", "X-Forwarded", "CF-Connecting-IP", "X-Forwarded-For,Forwarded"] {
            assert!(ProxyHeader::parse(other).is_err(), "{other}");
        }
    }
}
