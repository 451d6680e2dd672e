//! Light or dark, where a reader has chosen: kept in a cookie, so that it holds without a script and from the first byte.

use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::plain;

/// What can be chosen.
pub(super) const THEMES: [(&str, &str, &str); 3] = [
    ("system", "◐", "Colours as the system has them"),
    ("light", "☀", "Light colours"),
    ("dark", "☾", "Dark colours"),
];

/// The cookie's name.
const COOKIE: &str = "landfall-theme";

/// What a request says was chosen.
pub(in crate::web) fn theme_of(headers: &HeaderMap) -> Option<&'static str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|all| all.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let chosen = pairs
        .filter(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
        .next()?;
    let known = THEMES.iter().map(|(word, ..)| *word);
    known
        .filter(|word| *word != "system")
        .find(|word| *word == chosen)
}

/// Keeps a choice, and goes back to the page where it was made.
pub(super) async fn choose(headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let asked = query.as_deref().and_then(|query| query.strip_prefix("to="));
    let Some((word, ..)) = THEMES.iter().find(|(word, ..)| Some(*word) == asked) else {
        return plain(
            StatusCode::BAD_REQUEST,
            "`to` names the colours: system, light or dark is expected",
        );
    };
    let lasts = if *word == "system" { 0 } else { 31_536_000 };
    let cookie = format!("{COOKIE}={word}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Lax");
    let to = super::act::came_from(&headers);
    ([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_chosen_is_believed() {
        let of = |cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            theme_of(&headers)
        };
        assert_eq!(of("a=b; landfall-theme=dark"), Some("dark"));
        assert_eq!(of("landfall-theme=light; x=y"), Some("light"));
        assert_eq!(of("landfall-theme=system"), None);
        assert_eq!(of("landfall-theme=\"><script>"), None);
        assert_eq!(of("landfall=dark"), None);
    }
}
