//! The directory of billers. All of them are invented: the practice rail pays nobody real.

use std::sync::LazyLock;

use api::billers::{Biller, BillerList};
use domain::calendar::Calendar;
use domain::ids::BillerId;
use jiff::civil::Time;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::App;
use crate::error::ApiError;
use crate::http::Json;
use crate::sign_in::SignedIn;

/// Name, words to find it by, payable through this server, zone of its due dates. The place in this list makes the id:
/// add at the end, never reorder.
const DIRECTORY: &[(&str, &str, bool, &str)] = &[
    ("Meridian Mobile", "phone, mobile", true, "America/New_York"),
    ("Harbour Electric", "electricity, power", true, "America/New_York"),
    ("Bluewater Utilities", "water", true, "America/New_York"),
    ("Northline Gas", "gas, heating", true, "America/Chicago"),
    ("Lumen Fibre", "internet", true, "America/New_York"),
    ("Alder Street Lettings", "rent, home", true, "America/New_York"),
    ("Fernhill Insurance", "insurance, home, car", true, "America/Chicago"),
    ("Cobalt Card Services", "card", true, "America/New_York"),
    ("Juniper Health Plan", "health, insurance", true, "America/Denver"),
    ("Oakbridge Mortgage", "mortgage, home", true, "America/New_York"),
    ("Lakeshore Auto Finance", "car, loan", true, "America/Los_Angeles"),
    ("Quillon Streaming", "streaming, television", true, "America/Los_Angeles"),
    ("Tamarack Fitness", "gym, sport", true, "America/Denver"),
    ("Willow Lane Nursery", "child care", true, "America/New_York"),
    ("Sable Waste Collection", "waste", true, "America/New_York"),
    ("Stadtwerke Erlenau", "Strom, Gas, Wasser", true, "Europe/Berlin"),
    ("Agua Valdemora", "agua", true, "Europe/Madrid"),
    ("Thistle Broadband", "internet, phone", true, "Europe/London"),
    ("Borough of Eastmere", "council tax", false, "Europe/London"),
    ("County of Marlow", "property tax", false, "America/New_York"),
    ("Pinewood College", "school, tuition", false, "America/New_York"),
    ("Dr. Ilse Brandt, Dentist", "health", false, "Europe/Berlin"),
];

/// A name of its own for the directory's ids (RFC 9562, version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x6c1f_5b0e_2d6a_4b57_9c83_8e2f_b1d0_4a77);

static BILLERS: LazyLock<Vec<Biller>> = LazyLock::new(|| {
    let biller = |(place, &(name, category, payable, zone)): (usize, &(&str, &str, bool, &str))| Biller {
        id: BillerId::from_uuid(Uuid::new_v5(&NAMESPACE, place.to_string().as_bytes())),
        name: name.to_owned(),
        category: category.to_owned(),
        payable,
        zone: zone.to_owned(),
        // Everyone in it closes the day at five, there.
        cutoff: Some(CUTOFF),
        calendar: calendar_of(zone),
    };
    DIRECTORY.iter().enumerate().map(biller).collect()
});

const CUTOFF: Time = Time::constant(17, 0, 0, 0);

/// The banks that close where a biller is.
fn calendar_of(zone: &str) -> Calendar {
    match zone {
        "Europe/London" => Calendar::EnglandWales,
        zone if zone.starts_with("America/") => Calendar::FederalReserve,
        _ => Calendar::Target2,
    }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The whole directory, the same for everyone on this server.
#[utoipa::path(get, path = "/api/v1/billers", tag = "billers", responses((status = 200, body = BillerList)))]
async fn list(_: SignedIn) -> Result<Json<BillerList>, ApiError> {
    Ok(Json(BillerList { items: BILLERS.clone() }))
}

#[must_use]
pub fn find(id: BillerId) -> Option<&'static Biller> {
    BILLERS.iter().find(|biller| biller.id == id)
}

/// The biller that a file of rails names.
#[must_use]
pub(crate) fn named(name: &str) -> Option<&'static Biller> {
    BILLERS.iter().find(|biller| biller.name == name)
}

/// For tests: one that can be paid, and one that cannot.
#[cfg(any(test, feature = "testing"))]
#[must_use]
pub fn directory() -> &'static [Biller] {
    &BILLERS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_whole() {
        for biller in directory() {
            assert!(jiff::tz::TimeZone::get(&biller.zone).is_ok(), "{}", biller.name);
            let same = directory().iter().filter(|other| other.id == biller.id || other.name == biller.name).count();
            assert_eq!(same, 1, "{}", biller.name);
        }
        assert!(directory().iter().any(|biller| !biller.payable));
        // Bills on every device name it: it must never change.
        assert_eq!(directory()[0].id.to_string(), Uuid::new_v5(&NAMESPACE, b"0").to_string());
    }
}
