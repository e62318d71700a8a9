//! What the window may ask for: one command, one line of work. The TypeScript in `ui/src/lib/ipc/bindings.ts` is made
//! from here, and a test fails when it is stale.

mod accounts;
mod addresses;
mod autopay;
mod bills;
mod calendar_feed;
mod export;
mod home;
mod import;
mod methods;
mod orders;
mod payments;
mod plan;
mod recovery;
mod reminders;
mod rewards;
mod search;
mod security;
mod settings;
mod sign_in;
mod statements;
mod suggestions;
mod support;
mod sync;
mod vault;
mod wallet;
mod window;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use specta_typescript::Typescript;
use tauri::{State, Wry};
use tauri_specta::{Builder, collect_commands, collect_events};

use crate::app::{Changed, ImportOffered, OpenScreen, SignIn};
use crate::core::Core;
use crate::failure::Failure;

/// Why a command was refused, for the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct CommandError {
    pub code: String,
    pub message: String,
    /// What the person can do about it.
    pub next: String,
}

impl<E: Into<Failure>> From<E> for CommandError {
    fn from(error: E) -> Self {
        let failure = error.into();
        Self { code: failure.code, message: failure.message, next: failure.next }
    }
}

type Shared<'a> = State<'a, Arc<Core>>;
type Answer<T> = Result<T, CommandError>;

/// Every command and event of the window.
#[must_use]
pub fn builder() -> Builder<Wry> {
    Builder::<Wry>::new()
        .commands(collect_commands![
            sign_in::status,
            sign_in::start_here,
            sign_in::start_with_passkey,
            sign_in::connect,
            sign_in::sign_in_cancel,
            sign_in::sign_out,
            sign_in::copy_secret,
            sign_in::lock,
            sign_in::unlock,
            vault::typed_key,
            vault::protect,
            vault::recovery_key_new,
            vault::recovery_key_noted,
            vault::repair,
            sign_in::devices,
            sign_in::device_sign_out,
            home::home,
            bills::bills,
            bills::schedule_dates,
            bills::bill_add,
            bills::bill_edit,
            bills::bill_pause,
            bills::bill_resume,
            bills::bill_remove,
            bills::occurrence_mark,
            bills::occurrence_undo,
            bills::billers,
            bills::biller_put,
            bills::biller_remove,
            suggestions::suggestions,
            suggestions::suggestion_accept,
            suggestions::suggestion_dismiss,
            suggestions::suggestion_restore,
            accounts::cards,
            accounts::accounts,
            accounts::account_rename,
            accounts::card_terms,
            accounts::card_plan,
            accounts::card_plan_remove,
            accounts::card_excess,
            accounts::card_payoff,
            accounts::card_open,
            accounts::card_status,
            accounts::card_credit,
            accounts::card_link,
            accounts::card_unlink,
            accounts::card_purchases,
            accounts::card_held,
            accounts::dispute_open,
            accounts::dispute_withdraw,
            accounts::card_disputes,
            accounts::plan_offers,
            accounts::plan_choose,
            accounts::transactions,
            orders::orders,
            orders::order,
            plan::plan,
            plan::plan_wish,
            plan::income_put,
            plan::income_remove,
            plan::income_dates,
            rewards::rewards,
            rewards::rewards_use,
            rewards::rewards_at_checkout,
            wallet::wallets,
            wallet::wallet_moves,
            wallet::wallet_reload,
            wallet::wallet_at_checkout,
            wallet::wallet_auto_reload,
            wallet::wallet_auto_reload_off,
            autopay::autopays,
            autopay::autopay_set,
            autopay::autopay_pause,
            autopay::autopay_off,
            methods::methods,
            methods::method_add,
            methods::method_default,
            methods::method_remove,
            methods::method_replace,
            payments::payments,
            payments::payment_draft,
            payments::payment_draft_keep,
            payments::pay_quote,
            payments::card_quote,
            payments::card_shares,
            payments::pay_bill,
            payments::payment_again,
            payments::readiness,
            payments::terms_read,
            payments::terms_accept,
            payments::limits,
            payments::limits_set,
            payments::payment_approve,
            payments::payment_edit,
            payments::payment_cancel,
            import::import_choose,
            import::import_confirm,
            import::import_discard,
            import::imports,
            statements::statements,
            statements::statement_open,
            statements::statement_save,
            statements::statements_save_all,
            reminders::reminders,
            reminders::reminders_timer,
            reminders::reminder_test,
            reminders::reminder_snooze,
            reminders::email_reminders,
            reminders::email_reminders_set,
            reminders::email_reminders_end,
            export::export_everything,
            calendar_feed::calendar_feed,
            calendar_feed::calendar_feed_address,
            calendar_feed::calendar_feed_change,
            calendar_feed::calendar_feed_end,
            calendar_feed::calendar_feed_save,
            settings::settings,
            settings::settings_set,
            settings::language_set,
            settings::autostart,
            search::search,
            window::page_listens,
            window::page_heard,
            window::window_close,
            window::quit,
            security::security,
            security::security_answer,
            security::security_save,
            security::risk,
            security::rhythm,
            security::rhythm_set,
            support::support,
            support::support_check,
            support::support_answer,
            support::support_end,
            security::passkeys,
            security::passkey_add,
            security::second_passkey_later,
            security::account_lock,
            security::account_release,
            security::passkey_rename,
            security::passkey_remove,
            addresses::addresses,
            addresses::address_add,
            addresses::address_send_code,
            addresses::address_confirm,
            addresses::address_remove,
            recovery::recovery,
            recovery::recovery_send_code,
            recovery::recovery_start,
            recovery::recovery_stop,
            recovery::recovery_finish,
            recovery::recovery_code,
            security::ways_in,
            security::password_set,
            security::password_remove,
            security::password_keep,
            security::password_let_go,
            security::authenticator_add,
            security::factor_rename,
            security::factor_remove,
            sync::sync_now,
            sync::refusals_seen,
            sync::refusal_put_back,
            sync::refusal_let_go,
            sync::check,
        ])
        .events(collect_events![Changed, SignIn, ImportOffered, OpenScreen])
        // What is sent and what is received have one shape; money fits a JavaScript number by its own rule.
        .disable_serde_phases()
        .dangerously_cast_bigints_to_number()
}

/// Writes the TypeScript of all commands, events and their types.
pub fn export(path: &Path) -> Result<(), String> {
    let head = "// Made by `billfold export-bindings`; a test fails when it is stale.\n";
    builder().export(Typescript::default().header(head), path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bindings_of_the_screens_are_current() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/lib/ipc/bindings.ts");
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("bindings.ts");
        export(&made).unwrap();
        let current = std::fs::read_to_string(made).unwrap();
        let found = std::fs::read_to_string(kept).unwrap_or_default();
        assert!(current == found, "run `billfold export-bindings ui/src/lib/ipc/bindings.ts`");
    }
}
