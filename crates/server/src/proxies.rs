//! Where requests come from when a reverse proxy stands before the server: the peer, or what a proxy says that the operator
//! listed. What nobody vouches for is not believed; that a proxy may have been forgotten is said once.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::HeaderMap;

const HEADER: &str = "x-forwarded-for";
const BITS: u32 = 128;
const BITS_BEFORE_V4: u32 = 96;

/// A network of proxies, or a single one: `10.0.0.0/8`, `192.0.2.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Of IPv4 the address as IPv6 maps it.
    first: u128,
    prefix: u32,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    #[error("a proxy is an address, such as 192.0.2.1, or a network, such as 10.0.0.0/8")]
    Unread,
    #[error("a network is written with its first address: 10.0.0.0/8, and not 10.1.2.3/8")]
    NotItsFirst,
}

impl Network {
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        // Nothing is left to compare of the network that all belong to.
        (mapped(address) ^ self.first).checked_shr(BITS - self.prefix).is_none_or(|differs| differs == 0)
    }
}

fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().map_err(|_| NetworkError::Unread)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Unread)?;
        let before = if address.is_ipv4() { BITS_BEFORE_V4 } else { 0 };
        let prefix = prefix.map_or(Some(BITS), |prefix| prefix.checked_add(before));
        let prefix = prefix.filter(|prefix| *prefix <= BITS).ok_or(NetworkError::Unread)?;
        let first = mapped(address);
        if first.checked_shl(prefix).unwrap_or(0) != 0 {
            return Err(NetworkError::NotItsFirst);
        }
        Ok(Self { first, prefix })
    }
}

pub(crate) fn is_listed(trusted: &[Network], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.has(address))
}

/// What of the header was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unheard {
    /// Whoever sent the request is not listed.
    Peer,
    /// A listed proxy said it in a way that does not read.
    Words,
}

/// Where a request of this peer comes from.
pub(crate) fn source(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    static SAID: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];
    let (source, unheard) = behind(peer, headers, trusted);
    match unheard {
        Some(Unheard::Peer) if !SAID[0].swap(true, Ordering::Relaxed) => tracing::warn!(
            "a request says by X-Forwarded-For where it comes from, and its sender is no --trusted-proxy: all people behind \
             one that is not named count as one source"
        ),
        Some(Unheard::Words) if !SAID[1].swap(true, Ordering::Relaxed) => {
            tracing::warn!("a trusted proxy says by X-Forwarded-For where a request comes from, and it does not read");
        }
        _ => {}
    }
    source
}

/// The last address that no listed proxy vouches for beyond.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> (IpAddr, Option<Unheard>) {
    let said = headers.get_all(HEADER);
    let addresses: Vec<&str> =
        said.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    if !addresses.is_empty() && !is_listed(trusted, peer) {
        return (peer, Some(Unheard::Peer));
    }
    let mut source = peer;
    for said in addresses.iter().rev() {
        if !is_listed(trusted, source) {
            break;
        }
        let Some(address) = read(said) else { return (source, Some(Unheard::Words)) };
        source = address;
    }
    (source, None)
}

/// An address as proxies write it: alone, in brackets, or with a port.
fn read(said: &str) -> Option<IpAddr> {
    let said = said.trim();
    let bare = said.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(said);
    let address = bare.parse().or_else(|_| said.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(peer: &str, said: &str, trusted: &[&str]) -> (String, Option<Unheard>) {
        let headers = HeaderMap::from_iter([(HEADER.parse().unwrap(), said.parse().unwrap())]);
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let (source, unheard) = behind(peer.parse().unwrap(), &headers, &trusted);
        (source.to_string(), unheard)
    }

    fn source(peer: &str, said: &str, trusted: &[&str]) -> String {
        heard(peer, said, trusted).0
    }

    #[test]
    fn only_listed_proxies_are_believed() {
        assert_eq!(heard("192.0.2.1", "203.0.113.9", &[]), ("192.0.2.1".to_owned(), Some(Unheard::Peer)));
        assert_eq!(heard("192.0.2.1", "203.0.113.9", &["192.0.2.1"]), ("203.0.113.9".to_owned(), None));
        assert_eq!(source("192.0.2.1", "10.9.9.9, 203.0.113.9", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(source("192.0.2.1", "203.0.113.9, 192.0.2.2", &["192.0.2.1", "192.0.2.2"]), "203.0.113.9");
        assert_eq!(heard("192.0.2.1", "nonsense", &["192.0.2.1"]), ("192.0.2.1".to_owned(), Some(Unheard::Words)));
        let none = HeaderMap::new();
        assert_eq!(behind([192, 0, 2, 1].into(), &none, &[]).1, None, "without the header there is nothing to say");
    }

    #[test]
    fn a_network_of_proxies_is_listed_in_one_word() {
        assert_eq!(source("10.4.5.6", "203.0.113.9, 10.7.0.1", &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(source("11.4.5.6", "203.0.113.9", &["10.0.0.0/8"]), "11.4.5.6");
        assert_eq!(source("fd00::5", "203.0.113.9", &["fd00::/8"]), "203.0.113.9");
        assert_eq!(source("fe00::5", "203.0.113.9", &["fd00::/8"]), "fe00::5");
        assert_eq!(source("10.4.5.6", "203.0.113.9", &["0.0.0.0/0"]), "203.0.113.9");
        for unread in ["10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0/8", "proxy", ""] {
            assert_eq!(unread.parse::<Network>(), Err(NetworkError::Unread), "{unread}");
        }
        assert_eq!("10.1.2.3/8".parse::<Network>(), Err(NetworkError::NotItsFirst));
    }

    #[test]
    fn an_address_with_a_port_is_that_address() {
        for (said, meant) in [
            ("203.0.113.9:50123", "203.0.113.9"),
            ("[2001:db8::9]:443", "2001:db8::9"),
            ("[2001:db8::9]", "2001:db8::9"),
            ("2001:db8::9", "2001:db8::9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(heard("192.0.2.1", said, &["192.0.2.1"]), (meant.to_owned(), None), "{said}");
        }
    }
}
