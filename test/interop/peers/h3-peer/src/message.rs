//! Bodies and fields, as they come in and as they are reported.

use bytes::Buf;
use http::{HeaderMap, HeaderName, HeaderValue};
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};

use crate::Failure;

/// Bytes of one DATA frame.
pub const PIECE: usize = 1 << 16;

/// Content as it comes in. Only an echo needs all of it.
pub struct Content {
    pub bytes: u64,
    pub kept: Vec<u8>,
    keep: bool,
    digest: Context,
}

impl Content {
    pub fn new(keep: bool) -> Self {
        Self { bytes: 0, kept: Vec::new(), keep, digest: Context::new(&SHA256) }
    }

    pub fn add(&mut self, mut piece: impl Buf) {
        while piece.has_remaining() {
            let chunk = piece.chunk();
            self.bytes += chunk.len() as u64;
            self.digest.update(chunk);
            if self.keep {
                self.kept.extend_from_slice(chunk);
            }
            piece.advance(piece.chunk().len());
        }
    }

    pub fn sha256(&self) -> String {
        self.digest.clone().finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The members of a report that are the same for requests and responses.
    pub fn report(&self, fields: &HeaderMap, trailers: Option<&HeaderMap>) -> Value {
        json!({
            "fields": readable(fields),
            "trailers": trailers.map(readable).unwrap_or_default(),
            "bytes": self.bytes,
            "sha256": self.sha256(),
        })
    }
}

pub fn readable(fields: &HeaderMap) -> Vec<(String, String)> {
    fields
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

pub fn header_map(fields: &[(String, String)]) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(HeaderName::try_from(name.as_str())?, HeaderValue::try_from(value.as_str())?);
    }
    Ok(map)
}

/// The members of both objects; those of `more` win.
pub fn merge(mut one: Value, more: Value) -> Value {
    if let (Value::Object(all), Value::Object(others)) = (&mut one, more) {
        all.extend(others);
    }
    one
}
