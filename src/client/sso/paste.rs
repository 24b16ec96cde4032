//! What a person pastes at the end of a login: the address on which the browser ended, or the part of it that counts.

use percent_encoding::percent_decode_str;

/// What was found in a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A sealed answer, as JSON; whether it is for this login is not known yet.
    Answer(String),
    /// The gate's reason why there is none.
    Refusal(String),
    /// None of this.
    Nothing,
}

/// Reads a pasted line: a whole address, its query, or the value of `response` alone.
pub(super) fn read(line: &str) -> Read {
    // Terminals put marks around what is pasted when a shell left that switched on; mailers and chats break lines.
    let line = line.replace("\u{1b}[200~", "").replace("\u{1b}[201~", "");
    let text: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    let text = text.trim_matches(['"', '\'', '<', '>']);
    if text.starts_with('{') {
        return Read::Answer(text.to_owned());
    }
    let (path, query) = text.split_once('?').unwrap_or(("", text));
    let query = query.split('#').next().unwrap_or_default();
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
    };
    if let Some(sealed) = value("response") {
        return Read::Answer(sealed);
    }
    if let Some(reason) = value("err") {
        return Read::Refusal(reason);
    }
    // A stock Teleport 4 tells the reason on a page of its own.
    if path.contains("/web/msg/error/") {
        return Read::Refusal(value("details").unwrap_or_else(|| "its page does not say why".into()));
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(plain) if plain.starts_with('{') => Read::Answer(plain.into_owned()),
        _ => Read::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_is_read() {
        let sealed = r#"{"ciphertext":"a+/=","nonce":"b"}"#;
        let query = "response=%7B%22ciphertext%22%3A%22a%2B%2F%3D%22%2C%22nonce%22%3A%22b%22%7D";
        let address = format!("http://127.0.0.1:4711/callback?{query}&secret=&secret_key=");
        let value = query.strip_prefix("response=").unwrap();
        for line in [
            address.clone(),
            format!("  {address}\r"),
            format!("\u{1b}[200~{address}\u{1b}[201~"),
            format!("\"{address}\""),
            format!("{} {}", &address[..60], &address[60..]),
            format!("{address}#top"),
            query.to_owned(),
            value.to_owned(),
            sealed.to_owned(),
        ] {
            assert_eq!(read(&line), Read::Answer(sealed.into()), "{line}");
        }
        let refused = read("http://127.0.0.1:1/callback?err=no+team&secret_key=");
        assert_eq!(refused, Read::Refusal("no team".into()));
        let page = "https://teleport.example.com:3080/web/msg/error/login_failed?details=Unable+to+process";
        assert_eq!(read(page), Read::Refusal("Unable to process".into()));
        for line in ["", "yes", "http://127.0.0.1:4711/callback", "https://github.com/login?state=x", "err="]
        {
            assert_eq!(read(line), Read::Nothing, "{line}");
        }
    }
}
