//! `auth_service.recording`: whether and where sessions are recorded, and for how long they are kept.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de};

use super::Problem;
use crate::model::GoDuration;

/// How much space must be free for a new session, unless the file says otherwise, in bytes.
const FREE_SPACE: u64 = 128 * 1024 * 1024;
/// The least time that recordings are kept, if it is limited.
const MIN_RETENTION: Duration = Duration::from_secs(3600);

/// What happens when a recording cannot be written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The session ends: nothing is shown that is not recorded.
    #[default]
    Strict,
    /// The session goes on, and what is missing is counted.
    BestEffort,
    /// Nothing is recorded.
    Off,
}

/// Where recordings are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket of S3 or what speaks like it. The credentials come from the environment, as for every tool of AWS.
    S3 {
        /// The bucket.
        bucket: String,
        /// Stands before every name; without a slash at its ends.
        prefix: String,
        /// The region, if given.
        region: Option<String>,
        /// The server, if it is not AWS.
        endpoint: Option<String>,
    },
}

/// Recordings of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingConfig {
    /// What happens when one cannot be written.
    pub mode: Mode,
    /// Where they are kept; none: in the data directory.
    pub storage: Option<Storage>,
    /// How long they are kept; none: for ever.
    pub retention: Option<Duration>,
    /// How many bytes must be free in the data directory for a new session to begin.
    pub free_space: u64,
}

/// The section as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Recording {
    mode: Mode,
    storage: Option<Storage>,
    retention: Option<Days>,
    free_space: Option<Size>,
}

impl Recording {
    pub(super) fn check(self) -> Result<RecordingConfig, Problem> {
        let retention = self.retention.map(|days| days.0);
        if retention.is_some_and(|time| time < MIN_RETENTION) {
            let why = "it is shorter than an hour; write for example 90d, or leave the key out to keep them for ever";
            return Err(("auth_service.recording.retention", why.to_owned()).into());
        }
        let free_space = self.free_space.map_or(FREE_SPACE, |size| size.0);
        Ok(RecordingConfig { mode: self.mode, storage: self.storage, retention, free_space })
    }
}

/// A time in days, or as Go writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days(Duration);

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
        if let Some(days) = days {
            return Ok(Self(Duration::from_secs(u64::from(days) * 24 * 3600)));
        }
        let time = text.parse::<GoDuration>();
        time.map(|time| Self(time.0))
            .map_err(|_| format!("`{text}` is not a time; write for example 90d or 720h"))
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size(u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor = match unit.trim() {
            "" | "B" => Some(1),
            "KiB" | "K" => Some(1 << 10),
            "MiB" | "M" => Some(1 << 20),
            "GiB" | "G" => Some(1 << 30),
            _ => None,
        };
        let bytes = number.parse::<u64>().ok().zip(factor).and_then(|(n, factor)| n.checked_mul(factor));
        bytes.map(Self).ok_or_else(|| format!("`{text}` is not a size; write for example 256MiB"))
    }
}

impl FromStr for Storage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "`{text}` {why}; write a folder, or s3://BUCKET/PREFIX?region=REGION (and &endpoint=https://HOST where it is not AWS)"
            )
        };
        if !text.contains("://") {
            return if text.is_empty() {
                Err(wrong("names no place"))
            } else {
                Ok(Self::Folder(text.into()))
            };
        }
        let url = url::Url::parse(text).map_err(|_| wrong("is not an address"))?;
        match url.scheme() {
            "file" => url.to_file_path().map(Self::Folder).map_err(|()| wrong("names no folder")),
            "s3" => {
                let bucket =
                    url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("names no bucket"))?;
                let (mut region, mut endpoint) = (None, None);
                for (key, value) in url.query_pairs() {
                    match &*key {
                        "region" => region = Some(value.into_owned()),
                        "endpoint" => {
                            endpoint = Some(
                                endpoint_of(&value)
                                    .ok_or_else(|| wrong("has an endpoint that is no address"))?,
                            )
                        }
                        _ => return Err(wrong("has a parameter that is neither region nor endpoint")),
                    }
                }
                if !url.username().is_empty() || url.password().is_some() {
                    return Err(wrong(
                        "holds credentials, which belong into the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)",
                    ));
                }
                let prefix = url.path().trim_matches('/').to_owned();
                Ok(Self::S3 { bucket: bucket.to_owned(), prefix, region, endpoint })
            }
            _ => Err(wrong("is neither a folder nor s3")),
        }
    }
}

fn endpoint_of(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host())
        .then(|| text.trim_end_matches('/').to_owned())
}

/// A value read from one text or number.
macro_rules! from_text {
    ($($kind:ty: $expected:literal),* $(,)?) => {
        $(impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $kind;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$kind, E> {
                        text.parse().map_err(|reason: String| E::custom(reason))
                    }
                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$kind, E> {
                        self.visit_str(&number.to_string())
                    }
                }
                deserializer.deserialize_any(Visitor)
            }
        })*
    };
}

from_text! {
    Days: "a time, such as 90d",
    Size: "a size, such as 256MiB",
    Storage: "a folder or an address, such as s3://bucket/prefix?region=eu-central-1",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_folders_or_buckets() {
        let folder = |path: &str| Storage::Folder(path.into());
        assert_eq!("recordings".parse(), Ok(folder("recordings")));
        assert_eq!("file:///srv/recordings".parse(), Ok(folder("/srv/recordings")));
        let s3 = "s3://bucket/some/prefix/?region=eu-1&endpoint=http://127.0.0.1:9000/".parse();
        assert_eq!(
            s3,
            Ok(Storage::S3 {
                bucket: "bucket".into(),
                prefix: "some/prefix".into(),
                region: Some("eu-1".into()),
                endpoint: Some("http://127.0.0.1:9000".into()),
            })
        );
        for wrong in
            ["", "gs://bucket", "s3://", "s3://key:secret@bucket", "s3://b?x=1", "s3://b?endpoint=minio"]
        {
            assert!(wrong.parse::<Storage>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_and_sizes_are_as_people_write_them() {
        assert_eq!("90d".parse(), Ok(Days(Duration::from_secs(90 * 86_400))));
        assert_eq!("720h".parse(), Ok(Days(Duration::from_secs(720 * 3600))));
        assert!("90".parse::<Days>().is_err());
        assert_eq!("256MiB".parse(), Ok(Size(256 << 20)));
        assert_eq!("0".parse(), Ok(Size(0)));
        assert!("much".parse::<Size>().is_err());
        assert!("99999999999GiB".parse::<Size>().is_err());
    }
}
