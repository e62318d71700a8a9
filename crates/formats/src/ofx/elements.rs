//! The elements that are read, by name. All others are passed over.

/// Elements that hold others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    File,
    Institution,
    Status,
    BankStatement,
    CardStatement,
    InvestmentStatement,
    InvestmentList,
    TransactionList,
    Line,
    PendingLine,
    LedgerBalance,
    AvailableBalance,
    Currency,
    OriginalCurrency,
    /// Figures of a closed cycle of a card.
    Closing,
}

/// Elements that hold a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    AccountNumber,
    AccountType,
    Action,
    Amount,
    Balance,
    BalanceAsOf,
    BankId,
    BranchId,
    CheckNumber,
    ClosedOn,
    ClosingBalance,
    Code,
    CorrectsId,
    CreditLimit,
    CurrencyDefault,
    CurrencySymbol,
    DueOn,
    EndsOn,
    FitId,
    InstitutionId,
    InstitutionName,
    LineType,
    Memo,
    Message,
    MinimumDue,
    Name,
    PostedOn,
    ReferenceNumber,
    Severity,
    StartsOn,
    TransactedOn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    Aggregate(Aggregate),
    Field(Field),
}

/// Longer than any name here.
pub const NAME_MAX: usize = 16;

impl Element {
    #[inline]
    pub fn of(name: &[u8]) -> Option<Self> {
        if name.len() > NAME_MAX {
            return None;
        }
        Self::by_capitals(name).or_else(|| {
            if !name.iter().any(u8::is_ascii_lowercase) {
                return None;
            }
            let mut capitals = [0; NAME_MAX];
            let capitals = &mut capitals[..name.len()];
            capitals.copy_from_slice(name);
            capitals.make_ascii_uppercase();
            Self::by_capitals(capitals)
        })
    }

    #[inline]
    fn by_capitals(name: &[u8]) -> Option<Self> {
        use Element::{Aggregate as A, Field as F};
        Some(match name {
            b"STMTTRN" => A(Aggregate::Line),
            b"TRNTYPE" => F(Field::LineType),
            b"DTPOSTED" => F(Field::PostedOn),
            b"TRNAMT" => F(Field::Amount),
            b"FITID" => F(Field::FitId),
            b"NAME" => F(Field::Name),
            b"MEMO" => F(Field::Memo),
            b"CHECKNUM" => F(Field::CheckNumber),
            b"REFNUM" => F(Field::ReferenceNumber),
            b"CORRECTFITID" => F(Field::CorrectsId),
            b"CORRECTACTION" => F(Field::Action),
            b"CURRENCY" => A(Aggregate::Currency),
            b"ORIGCURRENCY" => A(Aggregate::OriginalCurrency),
            b"CURSYM" => F(Field::CurrencySymbol),
            b"STMTTRNP" => A(Aggregate::PendingLine),
            b"DTTRAN" => F(Field::TransactedOn),
            b"OFX" => A(Aggregate::File),
            b"FI" => A(Aggregate::Institution),
            b"ORG" => F(Field::InstitutionName),
            b"FID" => F(Field::InstitutionId),
            b"STATUS" => A(Aggregate::Status),
            b"CODE" => F(Field::Code),
            b"SEVERITY" => F(Field::Severity),
            b"MESSAGE" => F(Field::Message),
            b"STMTRS" | b"STMTENDRS" => A(Aggregate::BankStatement),
            b"CCSTMTRS" | b"CCSTMTENDRS" => A(Aggregate::CardStatement),
            b"INVSTMTRS" => A(Aggregate::InvestmentStatement),
            b"INVTRANLIST" | b"INVPOSLIST" => A(Aggregate::InvestmentList),
            b"BANKTRANLIST" | b"BANKTRANLISTP" => A(Aggregate::TransactionList),
            b"CURDEF" => F(Field::CurrencyDefault),
            b"BANKID" | b"BROKERID" => F(Field::BankId),
            b"BRANCHID" => F(Field::BranchId),
            b"ACCTID" => F(Field::AccountNumber),
            b"ACCTTYPE" => F(Field::AccountType),
            b"DTSTART" => F(Field::StartsOn),
            b"DTEND" => F(Field::EndsOn),
            b"LEDGERBAL" => A(Aggregate::LedgerBalance),
            b"AVAILBAL" => A(Aggregate::AvailableBalance),
            b"BALAMT" => F(Field::Balance),
            b"DTASOF" => F(Field::BalanceAsOf),
            b"CCCLOSING" => A(Aggregate::Closing),
            b"DTCLOSE" => F(Field::ClosedOn),
            b"BALCLOSE" => F(Field::ClosingBalance),
            b"DTPMTDUE" => F(Field::DueOn),
            b"MINPMTDUE" => F(Field::MinimumDue),
            b"CREDITLIMIT" => F(Field::CreditLimit),
            _ => return None,
        })
    }
}
