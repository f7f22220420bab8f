//! Refusals: what the engine says when an argument or a configuration will not do.

use serde::Serialize;

/// Why a call was refused; reaches JavaScript as JSON in scratch.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Refusal {
    /// Which argument or part of the configuration, as a stable word that TypeScript turns into an error code.
    pub subject: &'static str,
    /// One sentence for a person.
    pub message: String,
}

impl Refusal {
    pub fn new(subject: &'static str, message: impl Into<String>) -> Self {
        Self { subject, message: message.into() }
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::new("config", format!("configuration: {error}"))
    }
}
