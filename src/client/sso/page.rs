//! The page on which a refused login ends in the browser.

/// The looks of [`refusal`], which are those of the gate's own pages.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark}body{margin:0;background:#fff;color:#1b1f24;font:1.05rem/1.5 system-ui,sans-serif}\
main{max-width:40rem;margin:12vh auto 0;padding:0 1.5rem;overflow-wrap:anywhere}h1{font-size:1.6rem;color:#b3261e}\
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}h1{color:#ff7b72}}";

/// The page on which a refused login ends: why, in light and dark, without script.
pub(super) fn refusal(reason: &str) -> String {
    let mut shown = String::with_capacity(reason.len());
    for c in reason.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            c => shown.push(c),
        }
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Login refused</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\
         <body><main><h1>Login refused</h1><p>{shown}</p><p>The terminal says the same; this tab can be closed.</p></main></body></html>\n"
    )
}
