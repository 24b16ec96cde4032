//! Pages for people: how a login ended, and how to begin one. No script, light and dark, nothing of a stranger's text as markup.

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::Shared;
use crate::model::text;

const STYLE: &str = include_str!("style.css");

/// Whether a page has a form, which goes to this gate alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forms {
    /// It has none.
    None,
    /// It has, and the browser says from which site it is sent.
    Own,
    /// It has none, but a script of ours.
    Script,
}

/// The pages' routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/web/style.css", get(style))
        .route("/web/msg/info/login_success", get(success))
        .route("/web/msg/info/login_terminal", get(success))
        .route("/web/msg/info/login_close", get(success))
        .route("/web/msg/error/login_failed", get(login_failed))
        .route("/web/msg/error/login", get(login_failed))
        .route("/web/msg/error/login/{*rest}", get(login_failed))
}

async fn success() -> Response {
    let body = "<p>You are signed in. This tab can be closed; the terminal goes on.</p>";
    page(StatusCode::OK, "Login succeeded", "good", body)
}

/// `details` in the address is not shown: whoever makes a link could put words into the gate's mouth.
async fn login_failed() -> Response {
    let body = "<p>The terminal in which <code>tsh login</code> was started says why. To begin again, run it once more.</p>";
    page(StatusCode::OK, "Login failed", "bad", body)
}

/// A login that ends here, since nobody is known to wait for it.
pub(super) fn failure(status: StatusCode, sentence: &str) -> Response {
    let mut chars = sentence.chars();
    let capital: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    page(status, "Login failed", "bad", &format!("<p>{}{}</p>", escape(&capital), escape(chars.as_str())))
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, STYLE).into_response()
}

fn page(status: StatusCode, title: &str, class: &str, body: &str) -> Response {
    page_with(Forms::None, status, title, class, body)
}

/// A page under a policy that allows no script, nothing from elsewhere, and no frame around it.
pub(super) fn page_with(forms: Forms, status: StatusCode, title: &str, class: &str, body: &str) -> Response {
    let (form_action, referrer) = match forms {
        Forms::None => ("'none'", "no-referrer"),
        Forms::Script => ("'none'; script-src 'self'", "no-referrer"),
        // With `no-referrer` a browser would call the origin of the form's sender `null`.
        Forms::Own => ("'self'", "same-origin"),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
    );
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"stylesheet\" href=\"/web/style.css\"></head><body><main class=\"{class}\"><h1>{title}</h1>{body}</main></body></html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, referrer),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    (status, headers, html).into_response()
}

/// Text as HTML shows it.
pub(super) fn escape(value: &str) -> String {
    let value = text::clean_line(value);
    let mut out = String::with_capacity(value.len() + 16);
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(escape("<a href='x'>&\"\u{202e}"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\u{202e}");
    }
}
