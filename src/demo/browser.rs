//! A person at a browser, for the tour: follows redirects, fills in the consent page's form, reads the last page.
//!
//! It trusts exactly the CAs that it is given. The tests use a real Chromium beside it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use reqwest::{
    Method, Response,
    header::{COOKIE, LOCATION, SET_COOKIE},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use url::Url;

/// More redirects in a row than this are a circle.
const MAX_REDIRECTS: usize = 10;
/// The longest page that is read, in bytes.
const MAX_PAGE: usize = 1024 * 1024;

/// A browser without script and cache. It keeps cookies by host and port, as long as it lives.
pub struct Browser {
    http: reqwest::Client,
    password: String,
    cookies: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
}

/// A page as a person reads it.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where the browser ended.
    pub url: Url,
    /// The status code.
    pub status: u16,
    /// The text without markup, white space folded.
    pub text: String,
    html: String,
}

/// What the person does on the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Signs in and allows it.
    Approve,
    /// Refuses.
    Deny,
}

impl Browser {
    /// A browser that trusts the CAs of a PEM text, of a person who knows a password.
    pub fn new(ca_pem: &str, password: &str) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for ca in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            roots.add(ca?)?;
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self { http, password: password.to_owned(), cookies: Mutex::default() })
    }

    /// Opens an address and follows its redirects.
    pub async fn open(&self, url: &str) -> anyhow::Result<Page> {
        self.go(Method::GET, url.parse().with_context(|| format!("{url} is no address"))?, None).await
    }

    /// Opens a login's address, acts as `user` on the consent page, and returns the page on which it ends.
    pub async fn sign_in(&self, url: &str, user: &str, consent: Consent) -> anyhow::Result<Page> {
        let page = self.open(url).await?;
        self.answer(page, user, consent).await
    }

    /// Acts as `user` on a consent page that is open, and returns the page on which it ends.
    pub async fn answer(&self, page: Page, user: &str, consent: Consent) -> anyhow::Result<Page> {
        let Some(form) = Form::first(&page.html) else { return Ok(page) };
        let target = page.url.join(&form.action)?;
        self.go(Method::POST, target, Some(form.fill(user, &self.password, consent))).await
    }

    /// Fills in the first form of a page, with these values and the button of that value, and sends it.
    pub async fn submit(&self, page: &Page, values: &[(&str, &str)], button: &str) -> anyhow::Result<Page> {
        let form = Form::first(&page.html).context("the page has no form")?;
        let target = page.url.join(&form.action)?;
        self.go(Method::POST, target, Some(form.filled(values, button))).await
    }

    /// What it would send to an address.
    fn cookies_for(&self, url: &Url) -> Option<String> {
        let all = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<String> =
            all.get(&authority(url))?.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn keep_cookies(&self, url: &Url, answer: &Response) {
        let mut all = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = all.entry(authority(url)).or_default();
        for line in answer.headers().get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
            let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            match value {
                "" => ours.remove(name),
                value => ours.insert(name.to_owned(), value.to_owned()),
            };
        }
    }

    async fn go(&self, method: Method, url: Url, body: Option<String>) -> anyhow::Result<Page> {
        let (mut method, mut url, mut body) = (method, url, body);
        for _ in 0..MAX_REDIRECTS {
            let mut request = self.http.request(method, url.clone());
            if let Some(body) = body.take() {
                request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
            }
            if let Some(cookies) = self.cookies_for(&url) {
                request = request.header(COOKIE, cookies);
            }
            let answer = request.send().await.with_context(|| format!("opening {}", without_query(&url)))?;
            self.keep_cookies(&url, &answer);
            let next = answer.headers().get(LOCATION).and_then(|l| l.to_str().ok()).map(str::to_owned);
            match next.filter(|_| answer.status().is_redirection()) {
                Some(next) => url = url.join(&next)?,
                None => return read(url, answer).await,
            }
            method = Method::GET;
        }
        bail!("more than {MAX_REDIRECTS} redirects, the last one to {}", without_query(&url))
    }
}

impl Page {
    /// Where the link with this text leads.
    pub fn link(&self, text: &str) -> Option<Url> {
        let end = self.html.find(&format!(">{text}</a>"))?;
        let tag = &self.html[self.html[..end].rfind("<a ")?..=end];
        self.url.join(&attribute(tag, "href")?).ok()
    }
}

fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

async fn read(url: Url, mut answer: Response) -> anyhow::Result<Page> {
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_PAGE {
            bail!("the page at {} does not end", without_query(&url));
        }
    }
    let html = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Page { url, status, text: visible(&html), html })
}

/// The query of a login's addresses holds what must not be shown.
fn without_query(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.into()
}

/// A form: where it goes, and what stands in it.
struct Form {
    action: String,
    fields: Vec<Field>,
}

/// An input or a button.
struct Field {
    name: String,
    value: String,
    kind: String,
}

impl Form {
    fn first(html: &str) -> Option<Self> {
        let start = html.find("<form")?;
        let end = html[start..].find("</form>").map_or(html.len(), |end| start + end);
        let mut tags = Tags(&html[start..end]);
        let action = attribute(tags.next()?, "action").unwrap_or_default();
        let fields =
            tags.filter(|tag| tag.starts_with("<input") || tag.starts_with("<button")).filter_map(|tag| {
                let kind = attribute(tag, "type").unwrap_or_default();
                let value = attribute(tag, "value").unwrap_or_default();
                Some(Field { name: attribute(tag, "name")?, value, kind })
            });
        Some(Self { action, fields: fields.collect() })
    }

    /// The form's answer: these values, the button of that value, and all else as it is.
    fn filled(&self, values: &[(&str, &str)], button: &str) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for field in &self.fields {
            let given = values.iter().find(|(name, _)| *name == field.name).map(|(_, value)| *value);
            if field.kind != "submit" || field.value == button {
                out.append_pair(&field.name, given.unwrap_or(&field.value));
            }
        }
        out.finish()
    }

    /// The form's answer: hidden fields as they are, the radio button of the user, the password, the button that is meant.
    fn fill(&self, user: &str, password: &str, consent: Consent) -> String {
        let meant = match consent {
            Consent::Approve => "approve",
            Consent::Deny => "deny",
        };
        let mut out = form_urlencoded::Serializer::new(String::new());
        for field in &self.fields {
            let wanted = match field.kind.as_str() {
                "radio" => field.value == user,
                "submit" => field.value == meant,
                "password" => {
                    out.append_pair(&field.name, password);
                    false
                }
                _ => true,
            };
            if wanted {
                out.append_pair(&field.name, &field.value);
            }
        }
        out.finish()
    }
}

/// The tags of an HTML text, `<…>` each.
struct Tags<'a>(&'a str);

impl<'a> Iterator for Tags<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.0.find('<')?;
        let end = start + self.0[start..].find('>')? + 1;
        let tag = &self.0[start..end];
        self.0 = &self.0[end..];
        Some(tag)
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let marker = format!(" {name}=\"");
    let start = tag.find(&marker)? + marker.len();
    let end = tag[start..].find('"')? + start;
    Some(unescape(&tag[start..end]))
}

/// The text between the tags of the body.
fn visible(html: &str) -> String {
    let mut rest = match html.find("<body") {
        Some(start) => &html[start..],
        None => html,
    };
    let mut out = String::new();
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        out.push(' ');
        let skip = ["<style", "<script"].iter().any(|tag| rest[start..].starts_with(tag));
        let end = if skip { rest[start..].find("</") } else { None }.unwrap_or(0);
        rest = match rest[start + end..].find('>') {
            Some(close) => &rest[start + end + close + 1..],
            None => "",
        };
    }
    out.push_str(rest);
    unescape(&out).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unescape(text: &str) -> String {
    const ENTITIES: [(&str, &str); 6] =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
    ENTITIES.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<html><head><title>T</title></head><body><style>p{}</style><h1>Sign  in</h1>
        <form method="post" action="/go?a=1&amp;b=2"><input type="hidden" name="state" value="a&quot;b">
        <input type="radio" name="user" value="alice"><input type="radio" name="user" value="bob">
        <input type="password" name="pw"><button type="submit" name="do" value="approve">Yes &amp; go</button>
        <button type="submit" name="do" value="deny">No</button></form></body></html>"#;

    #[test]
    fn a_form_is_filled_in_as_a_person_would() {
        let form = Form::first(PAGE).unwrap();
        assert_eq!(form.action, "/go?a=1&b=2");
        assert_eq!(form.fill("bob", "x", Consent::Approve), "state=a%22b&user=bob&pw=x&do=approve");
        assert_eq!(form.fill("alice", "x", Consent::Deny), "state=a%22b&user=alice&pw=x&do=deny");
        assert_eq!(visible(PAGE), "Sign in Yes & go No");
        assert!(Form::first("<p>nothing</p>").is_none());
    }
}
