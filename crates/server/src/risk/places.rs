//! Where a network is, coarsely: from a database file of the MaxMind format that whoever runs the server put there. No
//! question about anybody leaves the machine. Without a file no place is known, and that is said.

use std::net::IpAddr;
use std::path::Path;

use domain::risk::Spot;
use domain::risk::travel::Point;
use maxminddb::{Reader, geoip2};

/// Longer names of cities are cut.
const CITY_MAX: usize = 80;

#[derive(Debug, thiserror::Error)]
#[error("the database of places does not read")]
pub struct PlacesError(#[from] maxminddb::MaxMindDbError);

/// The database of places, read once at the start.
#[derive(Default)]
pub struct Places {
    reader: Option<Reader<Vec<u8>>>,
}

/// A spot, and what a person would call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spotted {
    pub spot: Spot,
    pub city: Option<String>,
}

impl Places {
    pub fn open(file: &Path) -> Result<Self, PlacesError> {
        Ok(Self { reader: Some(Reader::open_readfile(file)?) })
    }

    pub fn read(bytes: Vec<u8>) -> Result<Self, PlacesError> {
        Ok(Self { reader: Some(Reader::from_source(bytes)?) })
    }

    /// Whether there is a database at all.
    #[must_use]
    pub const fn are_known(&self) -> bool {
        self.reader.is_some()
    }

    /// Where a request comes from. This machine itself is no place.
    pub(crate) fn spot(&self, source: IpAddr) -> Option<Spotted> {
        let source = source.to_canonical();
        if source.is_loopback() || source.is_unspecified() {
            return None;
        }
        let mut spotted = Spotted { spot: Spot { network: network(source), country: None, point: None }, city: None };
        // A network that the database does not hold, or holds in a shape that does not read, is one without a place.
        let found = self.reader.as_ref().and_then(|reader| reader.lookup(source).ok());
        if let Some(city) = found.and_then(|found| found.decode::<geoip2::City>().ok().flatten()) {
            spotted.spot.country = city.country.iso_code.filter(|code| is_country(code)).map(str::to_owned);
            spotted.spot.point = match (city.location.latitude, city.location.longitude) {
                (Some(latitude), Some(longitude)) => Point::from_degrees(latitude, longitude),
                _ => None,
            };
            spotted.city = city.city.names.english.map(|name| name.chars().take(CITY_MAX).collect());
        }
        Some(spotted)
    }
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Places").field("known", &self.are_known()).finish()
    }
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The first 24 bits of an IPv4 address, the first 48 of an IPv6 one: a neighbourhood and not a connection.
fn network(source: IpAddr) -> String {
    match source {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::places::database;

    fn spot(places: &Places, source: &str) -> Option<Spotted> {
        places.spot(source.parse().expect("an address"))
    }

    #[test]
    fn a_network_has_the_place_that_the_file_says() {
        let places = Places::read(database()).expect("a database");
        let boston = spot(&places, "192.0.2.77").expect("a spot");
        assert_eq!(boston.spot.network, "192.0.2.0/24");
        assert_eq!((boston.spot.country.as_deref(), boston.city.as_deref()), (Some("US"), Some("Boston")));
        assert_eq!(boston.spot.point, Point::new(424, -711));
        let mapped = spot(&places, "::ffff:198.51.100.4").expect("a spot");
        assert_eq!(mapped.spot.country.as_deref(), Some("PT"), "an IPv4 address in IPv6's clothes");
        let unknown = spot(&places, "10.1.2.3").expect("a spot");
        assert_eq!((unknown.spot.network.as_str(), unknown.spot.country, unknown.city), ("10.1.2.0/24", None, None));
    }

    #[test]
    fn this_machine_is_no_place_and_six_takes_a_neighbourhood() {
        let places = Places::read(database()).expect("a database");
        assert_eq!(spot(&places, "127.0.0.1"), None);
        assert_eq!(spot(&places, "::1"), None);
        let six = spot(&places, "2001:db8:1:2:3:4:5:6").expect("a spot");
        assert_eq!(six.spot.network, "2001:db8:1::/48");
    }

    #[test]
    fn without_a_file_networks_are_told_apart_and_nothing_more() {
        let places = Places::default();
        assert!(!places.are_known());
        let bare = spot(&places, "192.0.2.77").expect("a spot");
        assert_eq!((bare.spot.network.as_str(), bare.spot.country, bare.spot.point), ("192.0.2.0/24", None, None));
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_at_the_start() {
        assert!(Places::read(b"no database at all".to_vec()).is_err());
        let mut cut = database();
        cut.truncate(40);
        assert!(Places::read(cut).is_err());
        assert!(Places::open(Path::new("/nowhere/places.mmdb")).is_err());
    }
}
