//! How far two places lie apart, and whether anybody gets from one to the other in time. Places are coarse: tenths of a
//! degree, which is what a database of networks knows.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::weights;

const EARTH_KM: f64 = 6_371.0;

/// A place on the earth, to a tenth of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Point {
    /// Tenths of a degree, north positive.
    latitude: i16,
    /// Tenths of a degree, east positive.
    longitude: i16,
}

impl Point {
    /// None for what is no place on the earth.
    #[must_use]
    pub const fn new(latitude_tenths: i16, longitude_tenths: i16) -> Option<Self> {
        if latitude_tenths.unsigned_abs() > 900 || longitude_tenths.unsigned_abs() > 1_800 {
            return None;
        }
        Some(Self { latitude: latitude_tenths, longitude: longitude_tenths })
    }

    /// From degrees, as databases of places hold them.
    #[must_use]
    pub fn from_degrees(latitude: f64, longitude: f64) -> Option<Self> {
        if !(latitude.abs() <= 90.0 && longitude.abs() <= 180.0) {
            return None;
        }
        // Both fit by the check above.
        #[expect(clippy::cast_possible_truncation, reason = "at most 1800 in either direction")]
        Self::new(libm::round(latitude * 10.0) as i16, libm::round(longitude * 10.0) as i16)
    }

    #[must_use]
    pub const fn latitude_tenths(self) -> i16 {
        self.latitude
    }

    #[must_use]
    pub const fn longitude_tenths(self) -> i16 {
        self.longitude
    }
}

/// Along the great circle, by the haversine formula. The library's functions give the same bits on every machine, so the
/// same two places are equally far apart everywhere.
#[must_use]
pub fn distance_km(from: Point, to: Point) -> u32 {
    let radians = |tenths: i16| (f64::from(tenths) / 10.0).to_radians();
    let (from_latitude, to_latitude) = (radians(from.latitude), radians(to.latitude));
    let half = |angle: f64| {
        let sine = libm::sin(angle / 2.0);
        sine * sine
    };
    let across = half(radians(to.longitude) - radians(from.longitude));
    let h = half(to_latitude - from_latitude) + libm::cos(from_latitude) * libm::cos(to_latitude) * across;
    let km = 2.0 * EARTH_KM * libm::asin(libm::sqrt(h.min(1.0)));
    // At most half the way around the earth.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 20,016")]
    {
        libm::round(km) as u32
    }
}

/// Whether so many kilometres take longer than that time.
#[must_use]
pub fn is_too_fast(km: u32, time: SignedDuration) -> bool {
    let minutes = time.as_mins().max(0);
    i64::from(km) * 60 > minutes.saturating_mul(weights::TRAVEL_KM_PER_HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(latitude: f64, longitude: f64) -> Point {
        Point::from_degrees(latitude, longitude).expect("a place")
    }

    #[test]
    fn distances_are_those_of_the_earth() {
        let (boston, lisbon, sydney) = (point(42.36, -71.06), point(38.72, -9.14), point(-33.87, 151.21));
        for (from, to, km) in [(boston, lisbon, 5_130), (lisbon, sydney, 18_190), (boston, sydney, 16_240)] {
            let found = distance_km(from, to);
            assert!(found.abs_diff(km) < 30, "{found} for {km}");
            assert_eq!(found, distance_km(to, from));
        }
        assert_eq!(distance_km(boston, boston), 0);
        assert!(distance_km(point(0.0, 179.9), point(0.0, -179.9)) < 30, "the date line is no distance");
        assert_eq!(distance_km(point(90.0, 0.0), point(-90.0, 0.0)), 20_015);
    }

    #[test]
    fn what_is_no_place_is_none() {
        for (latitude, longitude) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Point::from_degrees(latitude, longitude), None);
        }
        assert_eq!(Point::new(901, 0), None);
        assert_eq!(Point::new(i16::MIN, 0), None);
    }

    #[test]
    fn an_airliner_is_not_too_fast_and_a_minute_is() {
        assert!(!is_too_fast(5_000, SignedDuration::from_hours(7)));
        assert!(is_too_fast(5_000, SignedDuration::from_mins(299)));
        assert!(!is_too_fast(5_000, SignedDuration::from_mins(300)));
        assert!(is_too_fast(600, SignedDuration::from_secs(-5)), "clocks that disagree give no time");
    }
}
