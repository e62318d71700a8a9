//! A wallet as the model has it, in whole cents, by the words of docs/CARD.md: who pays a purchase is settled when it is
//! approved, what the wallet reserved is taken first, and what comes back goes to the card as far as the card paid.

use domain::wallet::WalletMoveKind;

const RELOAD_LEAST: i64 = 500;
const RELOAD_MOST: i64 = 50_000;
/// With what is reserved.
const BALANCE_MOST: i64 = 100_000;

#[derive(Debug, Default)]
pub(super) struct Wallet {
    /// Each purchase is paid from it first.
    pub at_checkout: bool,
    /// What may be spent.
    pub there: i64,
    /// What moved, oldest first.
    pub moves: Vec<(WalletMoveKind, i64)>,
}

/// Who pays one purchase.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Payers {
    /// In the wallet, of what is held.
    pub reserved: i64,
    /// Captured and not given back.
    pub by_card: i64,
    pub by_wallet: i64,
}

impl Wallet {
    /// Whether a reload of so much is within the wallet's own limits while so much of it is reserved.
    pub fn may_take(&self, cents: i64, reserved: i64) -> bool {
        (RELOAD_LEAST..=RELOAD_MOST).contains(&cents) && self.there + reserved + cents <= BALANCE_MOST
    }

    pub fn reloaded(&mut self, cents: i64) {
        self.there += cents;
        self.moves.push((WalletMoveKind::Reload, cents));
    }

    /// What it would have of a purchase that is asked for now.
    pub fn part_of(&self, cents: i64) -> i64 {
        if self.at_checkout { cents.min(self.there) } else { 0 }
    }

    pub const fn reserve(&mut self, cents: i64) -> Payers {
        self.there -= cents;
        Payers { reserved: cents, by_card: 0, by_wallet: 0 }
    }

    /// Nothing of a purchase is held any more.
    pub const fn release(&mut self, payers: &mut Payers) {
        self.there += payers.reserved;
        payers.reserved = 0;
    }

    /// Some of what is held is captured; gives what the card has of it.
    pub fn captured(&mut self, payers: &mut Payers, cents: i64) -> i64 {
        let of_wallet = cents.min(payers.reserved);
        payers.reserved -= of_wallet;
        payers.by_wallet += of_wallet;
        payers.by_card += cents - of_wallet;
        self.note(WalletMoveKind::Spent, -of_wallet);
        cents - of_wallet
    }

    /// Some of what was captured comes back; gives what the card gets of it. Disputes left so much with the person, and gave
    /// so much back on the card until they are decided: what takes the place of that goes there too.
    pub fn refunded(&mut self, payers: &mut Payers, cents: i64, (kept, given_back): (i64, i64)) -> i64 {
        let of_card = (payers.by_card - kept).max(given_back).max(0);
        let to_card = if payers.by_wallet > 0 { cents.min(of_card) } else { cents };
        payers.by_card -= to_card;
        payers.by_wallet -= cents - to_card;
        self.there += cents - to_card;
        self.note(WalletMoveKind::Refunded, cents - to_card);
        to_card
    }

    fn note(&mut self, kind: WalletMoveKind, cents: i64) {
        if cents != 0 {
            self.moves.push((kind, cents));
        }
    }
}
