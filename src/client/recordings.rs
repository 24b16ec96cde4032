//! Recordings and live sessions over the admin API (`wire/recordings.rs`). Jumpgate's own: a stock auth server has no such paths.

use bytes::Bytes;
use http::Method;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    admin::{AdminClient, AdminError, PATIENCE},
    net::Coming,
};
use crate::wire::recordings::{Found, Keys, MAX_PAGE, Page, Query, Recording, Rotated};

/// The longest sealed recording that is read into memory, in bytes.
const MAX_CONTENT: usize = 1 << 30;

impl AdminClient {
    /// A page of recordings, the newest first.
    pub async fn recordings(&self, query: &Query) -> Result<Page, AdminError> {
        self.read(&with_query("/v2/recordings", query, &[])).await
    }

    /// All recordings that a query finds, as many as `most`, page by page.
    pub async fn all_recordings(&self, mut query: Query, most: usize) -> Result<Vec<Recording>, AdminError> {
        let (mut all, mut more) = (Vec::new(), true);
        while more && all.len() < most {
            let page;
            (page, more) = self.next_page(&mut query, most - all.len()).await?;
            all.extend(page);
        }
        Ok(all)
    }

    /// The next recordings that a query finds, as many as `most`, and whether more may follow if it is asked again.
    pub async fn next_page(
        &self,
        query: &mut Query,
        most: usize,
    ) -> Result<(Vec<Recording>, bool), AdminError> {
        query.limit = Some(most.min(MAX_PAGE));
        let page = self.recordings(query).await?;
        let mut found = page.recordings;
        found.truncate(most);
        // A page with nothing on it may be followed by one with something.
        let more = page.next.is_some() && page.next != query.after;
        query.after = page.next;
        Ok((found, more))
    }

    /// What is known of a recording.
    pub async fn recording(&self, id: Uuid) -> Result<Recording, AdminError> {
        self.read(&format!("/v2/recordings/{id}")).await
    }

    /// The sealed file; of a live session, what there is so far.
    pub async fn recording_content(&self, id: Uuid) -> Result<Vec<u8>, AdminError> {
        let mut coming = self.open_stream(&format!("/v2/recordings/{id}/content")).await?;
        let mut all = Vec::new();
        while let Some(chunk) = coming.chunk(Some(PATIENCE)).await.map_err(|e| self.failure(e))? {
            all.extend_from_slice(&chunk);
            if all.len() > MAX_CONTENT {
                return Err(self.nonsense("the recording does not end"));
            }
        }
        Ok(all)
    }

    /// The lines of a live session, from the start and then as they come.
    pub async fn recording_live(&self, id: Uuid) -> Result<LiveLines<'_>, AdminError> {
        let coming = self.open_stream(&format!("/v2/recordings/{id}/live")).await?;
        Ok(LiveLines { client: self, coming })
    }

    /// Where a text was on the screen.
    pub async fn search_recordings(&self, text: &str, query: &Query) -> Result<Found, AdminError> {
        self.read(&with_query("/v2/recordings/search", query, &[("text", text)])).await
    }

    /// The keys that sign recordings or signed them.
    pub async fn recording_keys(&self) -> Result<Keys, AdminError> {
        self.read("/v2/recordings/keys").await
    }

    /// Has a new key sign recordings from now on.
    pub async fn rotate_recording_key(&self) -> Result<Rotated, AdminError> {
        self.ask(Method::POST, "/v2/recordings/keys").await
    }

    /// Ends a live session.
    pub async fn kill_session(&self, id: Uuid, reason: Option<&str>) -> Result<(), AdminError> {
        let reason: Vec<(&str, &str)> = reason.map(|reason| ("reason", reason)).into_iter().collect();
        let path = with_query(&format!("/v2/sessions/{id}"), &Query::default(), &reason);
        self.bytes(Method::DELETE, &path, None).await.map(drop)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, AdminError> {
        self.ask(Method::GET, path).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, AdminError> {
        let body = self.bytes(method, path, None).await?;
        serde_json::from_slice(&body).map_err(|e| self.nonsense(&e.to_string()))
    }
}

/// The lines of a live session. See [`AdminClient::recording_live`].
pub struct LiveLines<'a> {
    client: &'a AdminClient,
    coming: Coming,
}

impl LiveLines<'_> {
    /// The next bytes, or none when the session is over.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, AdminError> {
        self.coming.chunk(None).await.map_err(|e| self.client.failure(e))
    }
}

/// A path with the keys of a query that are set.
fn with_query(path: &str, query: &impl Serialize, more: &[(&str, &str)]) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(more);
    if let Ok(serde_json::Value::Object(keys)) = serde_json::to_value(query) {
        for (key, value) in keys {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            pairs.append_pair(&key, &text);
        }
    }
    let pairs = pairs.finish();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{pairs}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_only_what_was_asked() {
        assert_eq!(with_query("/x", &Query::default(), &[]), "/x");
        let query = Query {
            since: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            user: Some("a&b c".into()),
            limit: Some(7),
            ..Query::default()
        };
        let text = with_query("/x", &query, &[("text", "ä")]);
        assert_eq!(text, "/x?text=%C3%A4&since=2026-01-02T03%3A04%3A05Z&user=a%26b+c&limit=7");
    }
}
