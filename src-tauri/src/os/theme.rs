//! The desktop's light or dark. On Linux the window toolkit would look for it every five seconds for as long as the program
//! runs, so its own watch is left out of the build and this one waits until it is told.

use tauri::AppHandle;

/// Has the windows follow the desktop from now on. Elsewhere the toolkit does so by itself.
pub async fn follow(app: AppHandle) {
    #[cfg(target_os = "linux")]
    if let Err(error) = linux::follow(&app).await {
        tracing::info!(%error, "the desktop's light or dark is not heard of here");
    }
    #[cfg(not(target_os = "linux"))]
    drop(app);
}

#[cfg(target_os = "linux")]
mod linux {
    use futures_util::StreamExt;
    use tauri::{AppHandle, Theme};
    use zbus::zvariant::{OwnedValue, Value};
    use zbus::{Connection, MatchRule, Message, MessageStream, message::Type};

    const PORTAL: &str = "org.freedesktop.portal.Desktop";
    const PORTAL_PATH: &str = "/org/freedesktop/portal/desktop";
    const SETTINGS: &str = "org.freedesktop.portal.Settings";
    const APPEARANCE: &str = "org.freedesktop.appearance";
    const SCHEME: &str = "color-scheme";
    /// The portal's word for dark; it has one for light and one for no wish as well.
    const DARK: u32 = 1;

    pub async fn follow(app: &AppHandle) -> zbus::Result<()> {
        let bus = Connection::session().await?;
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .interface(SETTINGS)?
            .member("SettingChanged")?
            .arg(0, APPEARANCE)?
            .build();
        let mut heard = MessageStream::for_match_rule(rule, &bus, Some(8)).await?;
        let now = bus.call_method(Some(PORTAL), PORTAL_PATH, Some(SETTINGS), "Read", &(APPEARANCE, SCHEME)).await;
        if let Ok(answer) = now
            && let Ok(scheme) = answer.body().deserialize::<OwnedValue>()
        {
            show(app, theme_of(&scheme));
        }
        while let Some(message) = heard.next().await {
            show(app, meaning_of(&message?));
        }
        Ok(())
    }

    fn show(app: &AppHandle, theme: Option<Theme>) {
        if theme.is_some() {
            app.set_theme(theme);
        }
    }

    fn meaning_of(message: &Message) -> Option<Theme> {
        let (_, setting, scheme): (String, String, OwnedValue) = message.body().deserialize().ok()?;
        (setting == SCHEME).then(|| theme_of(&scheme)).flatten()
    }

    /// An answer has its number in a value within a value.
    fn theme_of(scheme: &Value<'_>) -> Option<Theme> {
        let number = |value: &Value<'_>| match value {
            Value::Value(within) => u32::try_from(&**within),
            value => u32::try_from(value),
        };
        let scheme = number(scheme).ok()?;
        Some(if scheme == DARK { Theme::Dark } else { Theme::Light })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn changed(setting: &str, value: Value<'_>) -> Option<Theme> {
            let signal = Message::signal(PORTAL_PATH, SETTINGS, "SettingChanged").unwrap();
            meaning_of(&signal.build(&(APPEARANCE, setting, value)).unwrap())
        }

        #[test]
        fn a_desktop_that_turns_dark_or_light_is_heard() {
            assert_eq!(changed(SCHEME, Value::U32(1)), Some(Theme::Dark));
            assert_eq!(changed(SCHEME, Value::U32(2)), Some(Theme::Light));
            assert_eq!(changed(SCHEME, Value::U32(0)), Some(Theme::Light), "no wish");
            assert_eq!(changed("accent-color", Value::U32(1)), None);
            assert_eq!(changed(SCHEME, Value::from("not what was meant")), None);
        }

        #[test]
        fn an_answer_has_its_number_one_value_deeper() {
            let within = Value::Value(Box::new(Value::U32(1)));
            assert_eq!(theme_of(&within), Some(Theme::Dark));
        }
    }
}
