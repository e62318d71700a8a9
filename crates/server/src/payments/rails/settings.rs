//! What an operator says of the rails, in a file of TOML: whose account the money leaves from, the bank, the folder that
//! files go through, the cut-off, and the account of each payee. Account numbers are read into types that show nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use domain::calendar::Calendar;
use domain::ids::BillerId;
use domain::money::Currency;
use formats::{iso20022, nacha};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::files::FileRailSettings;
use crate::billers;

/// The rails beside the practice rail.
#[derive(Clone, Debug, Default)]
pub struct RailSettings {
    pub nacha: Option<NachaSettings>,
    pub iso20022: Option<Iso20022Settings>,
}

#[derive(Clone, Debug)]
pub struct NachaSettings {
    pub files: FileRailSettings,
    /// The bank that takes the files.
    pub bank: nacha::Routing,
    pub bank_name: String,
    /// How the bank knows the sender, in the file's head and in each batch.
    pub origin: String,
    pub company_id: String,
    pub company_name: String,
    /// The account that balances each file.
    pub settlement: nacha::Party,
    pub payees: BTreeMap<BillerId, nacha::Party>,
}

#[derive(Clone, Debug)]
pub struct Iso20022Settings {
    pub files: FileRailSettings,
    /// The account that the money leaves from.
    pub debtor: iso20022::Party,
    /// `SEPA`, for transfers in euros within the scheme.
    pub service_level: Option<String>,
    pub payees: BTreeMap<BillerId, iso20022::Party>,
}

/// Why a file of rails is not taken. Each message says what is wrong, and none says a number of an account.
#[derive(Debug, thiserror::Error)]
pub enum RailSettingsError {
    #[error("the file of rails cannot be read: {0}")]
    Read(#[source] std::io::Error),
    #[error("the file of rails does not read, near byte {at}: {what}")]
    Toml { at: usize, what: String },
    #[error("{rail}: {what}")]
    Value { rail: &'static str, what: String },
    #[error("two rails are for {0}; a currency has one")]
    Currency(Currency),
}

impl RailSettings {
    /// The currencies whose payments move real money.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        let nacha = self.nacha.as_ref().map(|rail| rail.files.currency);
        let iso20022 = self.iso20022.as_ref().map(|rail| rail.files.currency);
        nacha.into_iter().chain(iso20022)
    }

    pub fn open(file: &Path) -> Result<Self, RailSettingsError> {
        Self::read(&std::fs::read_to_string(file).map_err(RailSettingsError::Read)?)
    }

    pub fn read(text: &str) -> Result<Self, RailSettingsError> {
        let file: File = toml::from_str(text).map_err(|error| RailSettingsError::Toml {
            at: error.span().map_or(0, |span| span.start),
            what: error.message().to_owned(),
        })?;
        let settings = Self {
            nacha: file.nacha.map(NachaSettings::try_from).transpose()?,
            iso20022: file.iso20022.map(Iso20022Settings::try_from).transpose()?,
        };
        let currencies = (settings.nacha.as_ref(), settings.iso20022.as_ref());
        if let (Some(nacha), Some(iso)) = currencies
            && nacha.files.currency == iso.files.currency
        {
            return Err(RailSettingsError::Currency(nacha.files.currency));
        }
        Ok(settings)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    nacha: Option<Nacha>,
    iso20022: Option<Iso20022>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nacha {
    folder: PathBuf,
    cutoff: String,
    bank: String,
    bank_name: String,
    origin: String,
    company_id: String,
    company_name: String,
    settlement: NachaAccount,
    #[serde(default)]
    payees: Vec<NachaPayee>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NachaAccount {
    routing: String,
    account: String,
    #[serde(default)]
    savings: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NachaPayee {
    biller: String,
    routing: String,
    account: String,
    #[serde(default)]
    savings: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Iso20022 {
    folder: PathBuf,
    currency: String,
    cutoff: String,
    zone: String,
    calendar: Calendar,
    #[serde(default = "one")]
    banking_days_to_arrive: u16,
    service_level: Option<String>,
    name: String,
    iban: String,
    bic: Option<String>,
    #[serde(default)]
    payees: Vec<IsoPayee>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IsoPayee {
    biller: String,
    iban: String,
    bic: Option<String>,
}

const fn one() -> u16 {
    1
}

const NACHA: &str = "nacha";
const ISO20022: &str = "iso20022";

fn wrong(rail: &'static str, what: impl std::fmt::Display) -> RailSettingsError {
    RailSettingsError::Value { rail, what: what.to_string() }
}

fn value<T: FromStr<Err: std::fmt::Display>>(
    rail: &'static str,
    name: &str,
    text: &str,
) -> Result<T, RailSettingsError> {
    text.parse().map_err(|error| wrong(rail, format!("{name}: {error}")))
}

/// The payee, by the name that it has in the directory.
fn biller(rail: &'static str, name: &str) -> Result<BillerId, RailSettingsError> {
    billers::named(name).map(|biller| biller.id).ok_or_else(|| wrong(rail, format!("there is no biller {name:?}")))
}

fn cutoff(rail: &'static str, text: &str) -> Result<Time, RailSettingsError> {
    let cutoff: Time = value(rail, "cutoff", text)?;
    // The file is made half an hour later, and still on that day.
    if cutoff.hour() < 23 { Ok(cutoff) } else { Err(wrong(rail, "cutoff: it lies before 23:00")) }
}

fn text(rail: &'static str, name: &str, text: String, chars_max: usize) -> Result<String, RailSettingsError> {
    let fits = (1..=chars_max).contains(&text.len()) && text.is_ascii() && text.trim() == text;
    if fits { Ok(text) } else { Err(wrong(rail, format!("{name}: 1 to {chars_max} plain characters"))) }
}

/// The payees by their ids; none is there twice.
fn payees<T>(
    rail: &'static str,
    list: impl Iterator<Item = Result<(BillerId, T), RailSettingsError>>,
) -> Result<BTreeMap<BillerId, T>, RailSettingsError> {
    let mut all = BTreeMap::new();
    for payee in list {
        let (id, party) = payee?;
        if all.insert(id, party).is_some() {
            return Err(wrong(rail, "a biller is there twice among the payees"));
        }
    }
    Ok(all)
}

fn party(routing: &str, account: &str, savings: bool) -> Result<nacha::Party, RailSettingsError> {
    Ok(nacha::Party {
        routing: value(NACHA, "routing", routing)?,
        account: value(NACHA, "account", account)?,
        kind: if savings { nacha::AccountKind::Savings } else { nacha::AccountKind::Checking },
    })
}

impl TryFrom<Nacha> for NachaSettings {
    type Error = RailSettingsError;

    fn try_from(file: Nacha) -> Result<Self, RailSettingsError> {
        let settlement = file.settlement;
        let payee = |payee: NachaPayee| {
            Ok((biller(NACHA, &payee.biller)?, party(&payee.routing, &payee.account, payee.savings)?))
        };
        Ok(Self {
            files: FileRailSettings {
                currency: Currency::USD,
                folder: file.folder,
                calendar: Calendar::FederalReserve,
                cutoff: cutoff(NACHA, &file.cutoff)?,
                zone: TimeZone::get("America/New_York").map_err(|error| wrong(NACHA, error))?,
                banking_days_to_arrive: 1,
            },
            bank: value(NACHA, "bank", &file.bank)?,
            bank_name: text(NACHA, "bank_name", file.bank_name, 23)?,
            origin: text(NACHA, "origin", file.origin, 10)?,
            company_id: text(NACHA, "company_id", file.company_id, 10)?,
            company_name: text(NACHA, "company_name", file.company_name, 16)?,
            settlement: party(&settlement.routing, &settlement.account, settlement.savings)?,
            payees: payees(NACHA, file.payees.into_iter().map(payee))?,
        })
    }
}

impl TryFrom<Iso20022> for Iso20022Settings {
    type Error = RailSettingsError;

    fn try_from(file: Iso20022) -> Result<Self, RailSettingsError> {
        let party = |name: String, iban: &str, bic: Option<&str>| {
            let iban = value(ISO20022, "iban", iban)?;
            let bic = bic.map(|bic| value(ISO20022, "bic", bic)).transpose()?;
            Ok::<_, RailSettingsError>(iso20022::Party { name, iban, bic })
        };
        let payee = |payee: IsoPayee| {
            let id = biller(ISO20022, &payee.biller)?;
            Ok((id, party(payee.biller, &payee.iban, payee.bic.as_deref())?))
        };
        let currency: Currency = value(ISO20022, "currency", &file.currency)?;
        let level = file.service_level.map(|level| text(ISO20022, "service_level", level, 4)).transpose()?;
        if level.as_deref() == Some("SEPA") && currency != Currency::EUR {
            return Err(wrong(ISO20022, "service_level: SEPA is for EUR alone"));
        }
        Ok(Self {
            files: FileRailSettings {
                currency,
                folder: file.folder,
                calendar: file.calendar,
                cutoff: cutoff(ISO20022, &file.cutoff)?,
                zone: TimeZone::get(&file.zone).map_err(|error| wrong(ISO20022, error))?,
                banking_days_to_arrive: file.banking_days_to_arrive,
            },
            debtor: party(text(ISO20022, "name", file.name, 70)?, &file.iban, file.bic.as_deref())?,
            service_level: level,
            payees: payees(ISO20022, file.payees.into_iter().map(payee))?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Both rails, with folders below this one.
    pub(crate) fn text(folder: &Path) -> String {
        let folder = folder.display();
        format!(
            r#"
            [nacha]
            folder = '{folder}/nacha'
            cutoff = "16:00"
            bank = "123456780"
            bank_name = "First Invented Bank"
            origin = "1234567890"
            company_id = "1234567890"
            company_name = "Billfold Test"
            settlement = {{ routing = "123456780", account = "000987654" }}
            [[nacha.payees]]
            biller = "Meridian Mobile"
            routing = "987654320"
            account = "000123456"
            [[nacha.payees]]
            biller = "Harbour Electric"
            routing = "987654320"
            account = "55-1234"
            savings = true

            [iso20022]
            folder = '{folder}/iso20022'
            currency = "EUR"
            cutoff = "15:00"
            zone = "Europe/Berlin"
            calendar = "target2"
            service_level = "SEPA"
            name = "Billfold Test"
            iban = "DE89370400440532013000"
            bic = "INVEDEFFXXX"
            [[iso20022.payees]]
            biller = "Stadtwerke Erlenau"
            iban = "DE02120300000000202051"
            "#
        )
    }

    #[test]
    fn a_file_of_rails_is_read_and_shows_no_number() {
        let settings = RailSettings::read(&text(Path::new("/srv/billfold"))).expect("reads");
        let shown = format!("{settings:?}");
        for number in ["000123456", "000987654", "DE89", "DE02"] {
            assert!(!shown.contains(number), "{number}");
        }
        let nacha = settings.nacha.expect("a rail");
        assert_eq!(nacha.payees.len(), 2);
        assert_eq!(nacha.files.currency, Currency::USD);
        assert_eq!(settings.iso20022.expect("a rail").files.calendar, Calendar::Target2);
        assert!(RailSettings::read("").expect("reads").nacha.is_none());
    }

    #[test]
    fn a_wrong_value_is_named_and_no_number_is_repeated() {
        let good = text(Path::new("/srv/billfold"));
        for (from, to, said) in [
            ("\"Meridian Mobile\"", "\"Nobody\"", "there is no biller"),
            ("\"Harbour Electric\"", "\"Meridian Mobile\"", "twice"),
            ("\"987654320\"", "\"987654321\"", "routing"),
            ("\"000123456\"", "\"000_123456\"", "account"),
            ("DE89370400440532013000", "DE88370400440532013000", "iban"),
            ("\"16:00\"", "\"25:00\"", "cutoff"),
            ("\"16:00\"", "\"23:30\"", "cutoff"),
            ("currency = \"EUR\"", "currency = \"USD\"", "SEPA"),
            ("origin =", "orgin =", "unknown field"),
            ("\"Europe/Berlin\"", "\"Europe/Erlenau\"", "iso20022"),
        ] {
            let error = RailSettings::read(&good.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(error.contains(said), "{to}: {error}");
            assert!(!error.contains("123456") && !error.contains("3704"), "{error}");
        }
        let two = good.replace("service_level = \"SEPA\"", "").replace("currency = \"EUR\"", "currency = \"USD\"");
        assert!(matches!(RailSettings::read(&two), Err(RailSettingsError::Currency(Currency::USD))));
    }
}
