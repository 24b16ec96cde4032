//! The pages of the demo GitHub: readable in light and dark, without script.

use super::checks::Parameters;

/// A try to sign in that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed<'a> {
    /// Who it was to be.
    pub(super) user: &'a str,
    /// A sentence.
    pub(super) why: &'a str,
}

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:12vh auto;padding:0 1rem}\
input[type=password]{font:inherit;width:10rem}fieldset{border:1px solid #8888;border-radius:8px;margin:1rem 0}label{display:block;padding:.3rem 0}\
button{font:inherit;padding:.5rem 1.2rem;border-radius:6px;border:1px solid #8888;cursor:pointer}\
.no{border-left:4px solid #cf222e;padding:.3rem .8rem;background:#cf222e22}button.yes{background:#1a7f37;color:#fff;border-color:#1a7f37}";

/// The consent page: who signs in, and whether they allow it. After a try that failed it says why, and keeps who it was.
pub(super) fn consent(parameters: &Parameters, users: &[String], failed: Option<Failed<'_>>) -> String {
    let chosen = failed.and_then(|failed| users.iter().position(|user| user == failed.user)).unwrap_or(0);
    let why = failed.map(|failed| format!("<p class=\"no\" role=\"alert\">{}</p>", escape(failed.why)));
    let why = why.unwrap_or_default();
    let hidden: String = parameters
        .iter()
        .map(|(k, v)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(k), escape(v)))
        .collect();
    let choices: String = users
        .iter()
        .enumerate()
        .map(|(i, user)| {
            let (user, checked) = (escape(user), if i == chosen { " checked" } else { "" });
            format!(
                "<label><input type=\"radio\" name=\"demo_user\" value=\"{user}\"{checked}> {user}</label>"
            )
        })
        .collect();
    page(
        "Authorize Jumpgate",
        &format!(
            "<h1>Authorize Jumpgate</h1><p>This is the demo's GitHub. Jumpgate asks to read your organisations and teams.</p>{why}\
             <form method=\"post\" action=\"/login/oauth/authorize\">{hidden}<fieldset><legend>Sign in as</legend>{choices}\
             <label>Password of this run <input type=\"password\" name=\"demo_password\" autocomplete=\"off\" required></label></fieldset>\
             <button class=\"yes\" type=\"submit\" name=\"demo_do\" value=\"approve\">Authorize</button> \
             <button type=\"submit\" name=\"demo_do\" value=\"deny\" formnovalidate>Cancel</button></form>"
        ),
    )
}

/// A page that says what was wrong with a request.
pub(super) fn refused(reason: &str) -> String {
    page("Refused", &format!("<h1>Refused</h1><p>{}</p>", escape(reason)))
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · demo GitHub</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
