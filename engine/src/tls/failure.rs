//! Names for TLS failures, so that TypeScript can give each its own error.

use rustls::{CertificateError, Error};
use serde::Serialize;

/// A TLS failure found on this side.
#[derive(Clone, Debug, Serialize)]
pub struct TlsFailure {
    /// Stable word, e.g. `certificateExpired`.
    pub kind: &'static str,
    /// rustls's sentence, with the details it knows (dates, names).
    pub message: String,
}

/// Recognises the error that rustls attached to a transport error.
pub fn describe(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<TlsFailure> {
    let error = error.downcast_ref::<Error>()?;
    let kind = match error {
        Error::InvalidCertificate(certificate) => certificate_kind(certificate),
        Error::NoCertificatesPresented => "certificateMissing",
        Error::NoApplicationProtocol => "noApplicationProtocol",
        Error::PeerIncompatible(_) => "incompatible",
        Error::PeerMisbehaved(_) => "misbehaved",
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "invalidMessage"
        }
        _ => "other",
    };
    Some(TlsFailure { kind, message: error.to_string() })
}

fn certificate_kind(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificateExpired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "certificateNotYetValid",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "certificateNameMismatch"
        }
        CertificateError::UnknownIssuer => "certificateUnknownIssuer",
        CertificateError::Revoked => "certificateRevoked",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => "certificatePurpose",
        // Our own verifier's word for a pin that no certificate matched.
        CertificateError::ApplicationVerificationFailure => "certificatePinMismatch",
        _ => "certificateInvalid",
    }
}
