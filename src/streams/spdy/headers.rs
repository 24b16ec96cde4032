//! SPDY header blocks: name/value pairs, deflated with the dictionary of the protocol's third draft.

use std::sync::LazyLock;

use bytes::{Buf, BufMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::{Error, MAX_HEADER_BLOCK, MAX_HEADER_PAIRS};

/// The words of the dictionary that are written as in a header block: a 32-bit length, then the word.
const WORDS: &str = "options head post put delete trace accept accept-charset accept-encoding accept-language \
    accept-ranges age allow authorization cache-control connection content-base content-encoding content-language \
    content-length content-location content-md5 content-range content-type date etag expect expires from host \
    if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma \
    proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade \
    user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie \
    keep-alive origin";

/// The rest of the dictionary: status codes and values, run together.
const TAIL: [&str; 6] = [
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505",
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized\
     403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable",
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT",
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,\
     text/javascript,public",
    "privatemax-age=gzip,deflate,sdch",
    "charset=utf-8charset=iso-8859-1,utf-,*,enq=0.",
];

/// The dictionary of SPDY/3, 1423 bytes.
pub(super) static DICTIONARY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut bytes = Vec::with_capacity(1423);
    for word in WORDS.split(' ') {
        let word = word.replace('_', " ");
        put_text(&mut bytes, &word);
    }
    for text in TAIL {
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
});

/// The Adler-32 checksum by which a zlib stream names the dictionary.
pub(super) const DICTIONARY_ID: u32 = 0xe3c6_a7c2;

/// The headers of a stream, in the order in which they were sent. Names are in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// No headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header; several values of one name are joined with NUL, as the protocol wants it.
    pub fn push(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        match self.0.iter_mut().find(|(have, _)| *have == name) {
            Some((_, values)) => {
                values.push('\0');
                values.push_str(value);
            }
            None => self.0.push((name, value.to_owned())),
        }
    }

    /// The first value of a header, whatever the case of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(have, _)| have.eq_ignore_ascii_case(name))?;
        value.split('\0').next()
    }

    /// Every name with its value; several values of one name stand in one, with NUL between them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn parse(mut block: &[u8]) -> Result<Self, Error> {
        let pairs = take_u32(&mut block)?;
        if pairs > MAX_HEADER_PAIRS {
            return Err(Error::TooLong { what: "header list", length: pairs, limit: MAX_HEADER_PAIRS });
        }
        let mut headers = Vec::with_capacity(pairs);
        for _ in 0..pairs {
            let name = take_text(&mut block)?.to_ascii_lowercase();
            if name.is_empty() {
                return Err(Error::HeaderBlock("a name is empty"));
            }
            let value = take_text(&mut block)?.to_owned();
            if headers.iter().any(|(have, _)| *have == name) {
                return Err(Error::HeaderBlock("a name stands twice"));
            }
            headers.push((name, value));
        }
        if block.is_empty() { Ok(Self(headers)) } else { Err(Error::HeaderBlock("bytes are left over")) }
    }

    fn write(&self) -> Result<Vec<u8>, Error> {
        if self.0.len() > MAX_HEADER_PAIRS {
            return Err(Error::TooLong {
                what: "header list",
                length: self.0.len(),
                limit: MAX_HEADER_PAIRS,
            });
        }
        let length = 4 + self.0.iter().map(|(name, value)| 8 + name.len() + value.len()).sum::<usize>();
        if length > MAX_HEADER_BLOCK {
            return Err(Error::TooLong { what: "header block", length, limit: MAX_HEADER_BLOCK });
        }
        let mut block = Vec::with_capacity(length);
        block.put_u32(self.0.len() as u32);
        for (name, value) in &self.0 {
            put_text(&mut block, name);
            put_text(&mut block, value);
        }
        Ok(block)
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut headers = Self::new();
        for (name, value) in pairs {
            headers.push(name, value);
        }
        headers
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.put_u32(text.len() as u32);
    out.extend_from_slice(text.as_bytes());
}

fn take_u32(block: &mut &[u8]) -> Result<usize, Error> {
    if block.len() < 4 {
        return Err(Error::HeaderBlock("it ends in a length"));
    }
    Ok(block.get_u32() as usize)
}

fn take_text<'a>(block: &mut &'a [u8]) -> Result<&'a str, Error> {
    let length = take_u32(block)?;
    let (text, rest) =
        block.split_at_checked(length).ok_or(Error::HeaderBlock("a text is longer than the block"))?;
    *block = rest;
    std::str::from_utf8(text).map_err(|_| Error::HeaderBlock("a text is not UTF-8"))
}

/// Inflates the header blocks of one direction.
#[derive(Debug)]
pub(super) struct Inflater(Decompress);

impl Inflater {
    pub(super) fn new() -> Self {
        Self(Decompress::new(true))
    }

    /// Reads one header block. The blocks of a direction must come in their order: each builds on those before.
    pub(super) fn read(&mut self, block: &[u8]) -> Result<Headers, Error> {
        Headers::parse(&self.inflate(block)?)
    }

    fn inflate(&mut self, mut input: &[u8]) -> Result<Vec<u8>, Error> {
        const STEP: usize = 1024;
        let mut out = Vec::with_capacity(STEP);
        loop {
            if out.len() == out.capacity() {
                out.reserve(STEP);
            }
            let (seen, made) = (self.0.total_in(), out.len());
            let result = self.0.decompress_vec(input, &mut out, FlushDecompress::Sync);
            let used = (self.0.total_in() - seen) as usize;
            input = input.get(used..).ok_or(Error::HeaderBlock("the decompressor lost its place"))?;
            match result {
                Ok(Status::Ok | Status::BufError) => {}
                Ok(Status::StreamEnd) => return Err(Error::HeaderBlock("the compressed stream ended")),
                Err(error) if error.needs_dictionary() == Some(DICTIONARY_ID) => {
                    self.0
                        .set_dictionary(&DICTIONARY)
                        .map_err(|_| Error::HeaderBlock("the dictionary was not taken"))?;
                    continue;
                }
                Err(_) => return Err(Error::HeaderBlock("it can't be inflated")),
            }
            if out.len() > MAX_HEADER_BLOCK {
                return Err(Error::TooLong {
                    what: "header block",
                    length: out.len(),
                    limit: MAX_HEADER_BLOCK,
                });
            }
            if input.is_empty() && out.len() < out.capacity() {
                return Ok(out);
            }
            if used == 0 && out.len() == made {
                return Err(Error::HeaderBlock("it can't be inflated"));
            }
        }
    }
}

/// Deflates the header blocks of one direction.
#[derive(Debug)]
pub(super) struct Deflater(Option<Compress>);

impl Deflater {
    pub(super) fn new() -> Self {
        Self(None)
    }

    /// Writes one header block behind what `out` already holds.
    pub(super) fn write(&mut self, headers: &Headers, out: &mut Vec<u8>) -> Result<(), Error> {
        let block = headers.write()?;
        let compress = match &mut self.0 {
            Some(compress) => compress,
            None => {
                let mut compress = Compress::new(Compression::default(), true);
                compress
                    .set_dictionary(&DICTIONARY)
                    .map_err(|_| Error::HeaderBlock("the dictionary was not taken"))?;
                self.0.insert(compress)
            }
        };
        let mut input = block.as_slice();
        loop {
            out.reserve(64 + input.len());
            let seen = compress.total_in();
            compress
                .compress_vec(input, out, FlushCompress::Sync)
                .map_err(|_| Error::HeaderBlock("it can't be deflated"))?;
            let used = (compress.total_in() - seen) as usize;
            input = input.get(used..).unwrap_or_default();
            // Room left over says that the flush is complete.
            if input.is_empty() && out.len() < out.capacity() {
                return Ok(());
            }
        }
    }
}
