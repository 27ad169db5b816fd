//! A certificate of another authority (AD CS, step-ca, a public one): two files, checked at start, read again when they
//! change.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use noroshi_web::{ServedCertificate, UnusableCertificate};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

use crate::config;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Largest file read, bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Why the files cannot be used, for the person who named them.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    #[error("web.tls: {path}: {error}")]
    Read { path: String, error: std::io::Error },
    #[error("web.tls: {path} is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge { path: String },
    #[error(
        "web.tls.key: {path} can be read by every user of this machine (mode {mode:04o}): run `chmod o= {path}`, and if \
         somebody may have read it, have the certificate issued anew"
    )]
    Exposed { path: String, mode: u32 },
    #[error("web.tls.cert: {path} holds no certificate in PEM (BEGIN CERTIFICATE)")]
    NoCertificate { path: String },
    #[error(
        "web.tls.key: {path} holds no private key in PEM (BEGIN PRIVATE KEY); a key with a passphrase must be opened first"
    )]
    NoKey { path: String },
    #[error("web.tls.cert {cert} and web.tls.key {key}: {error}")]
    Unusable { cert: String, key: String, error: UnusableCertificate },
}

/// The two files and what they were when last read.
#[derive(Debug)]
pub struct ExternalFiles {
    cert: PathBuf,
    key: PathBuf,
    seen: Option<Stamp>,
}

type Stamp = [(SystemTime, u64); 2];

impl ExternalFiles {
    /// Reads them and puts them in force.
    pub fn open(tls: &config::WebTls, certificate: &ServedCertificate) -> Result<Self, ExternalError> {
        let mut files = Self { cert: tls.cert.clone(), key: tls.key.clone(), seen: None };
        files.seen = files.stamp();
        files.load(certificate)?;
        Ok(files)
    }

    fn load(&self, certificate: &ServedCertificate) -> Result<(), ExternalError> {
        let (cert, key) = (self.cert.display().to_string(), self.key.display().to_string());
        let mode =
            fs::metadata(&self.key).map_err(|error| ExternalError::Read { path: key.clone(), error })?.mode() & 0o7777;
        // A group of its own for keys is common practice; everybody is not.
        if mode & 0o007 != 0 {
            return Err(ExternalError::Exposed { path: key, mode });
        }
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(&self.cert)?).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| ExternalError::NoCertificate { path: cert.clone() })?;
        let pem = zeroize::Zeroizing::new(read(&self.key)?);
        let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| ExternalError::NoKey { path: key.clone() })?;
        certificate.replace(chain, &private).map_err(|error| ExternalError::Unusable { cert, key, error })
    }

    /// Looks at the files until told to stop.
    pub async fn follow(mut self, certificate: ServedCertificate, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.look(&certificate),
            }
        }
    }

    /// Puts changed files in force, and keeps the old ones while the new do not fit together: one is often written before
    /// the other.
    fn look(&mut self, certificate: &ServedCertificate) {
        let now = self.stamp();
        if now == self.seen {
            return;
        }
        self.seen = now;
        match self.load(certificate) {
            Ok(()) => tracing::info!(path = %self.cert.display(), "the certificate for browsers was read again"),
            Err(error) => tracing::warn!(%error, "the changed certificate is not used; the former one goes on"),
        }
    }

    fn stamp(&self) -> Option<Stamp> {
        let of = |path: &Path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        Some([of(&self.cert)?, of(&self.key)?])
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ExternalError> {
    let name = path.display().to_string();
    let bytes = fs::metadata(path).map_err(|error| ExternalError::Read { path: name.clone(), error })?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(ExternalError::TooLarge { path: name });
    }
    fs::read(path).map_err(|error| ExternalError::Read { path: name, error })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use noroshi_provisioning::browser::{BrowserAuthority, LeafKey};

    use super::*;

    const NOW_MS: u64 = 1_790_000_000_000;

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", data_encoding::BASE64.encode(der))
    }

    /// A certificate for localhost and its key, in PEM.
    fn pair() -> (String, String) {
        let authority = BrowserAuthority::create("朝凪市", "home.arpa", NOW_MS).unwrap();
        let key = LeafKey::generate().unwrap();
        let leaf = authority.issue(&key.public_key(), &["localhost".parse().unwrap()], NOW_MS).unwrap();
        (pem("CERTIFICATE", &leaf), pem("PRIVATE KEY", &key.pkcs8()))
    }

    struct Files {
        folder: tempfile::TempDir,
        served: ServedCertificate,
    }

    impl Files {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), served: ServedCertificate::none().unwrap() }
        }

        fn write(&self, name: &str, text: &str, mode: u32) {
            let path = self.folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }

        fn open(&self) -> Result<ExternalFiles, ExternalError> {
            let path = |name: &str| self.folder.path().join(name);
            let tls = config::WebTls { cert: path("cert.pem"), key: path("key.pem") };
            ExternalFiles::open(&tls, &self.served)
        }
    }

    #[test]
    fn what_is_wrong_with_the_files_is_said() {
        let ((cert, key), (other_cert, _)) = (pair(), pair());
        let large = "#".repeat(FILE_BYTES_MAX as usize + 1);
        for (cert, key, mode, expected) in [
            (cert.as_str(), key.as_str(), 0o644, "chmod o="),
            (&cert, &key, 0o604, "chmod o="),
            (&other_cert, &key, 0o600, "does not belong to the certificate"),
            (&key, &key, 0o600, "holds no certificate in PEM"),
            (&cert, &cert, 0o600, "holds no private key in PEM"),
            ("", &key, 0o600, "holds no certificate in PEM"),
            (&large, &key, 0o600, "larger than"),
        ] {
            let files = Files::new();
            files.write("cert.pem", cert, 0o644);
            files.write("key.pem", key, mode);
            let error = files.open().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(files.served.leaf().is_none());
        }
        let files = Files::new();
        assert!(matches!(files.open(), Err(ExternalError::Read { .. })), "missing files");
    }

    #[test]
    fn a_group_may_read_the_key() {
        let (cert, key) = pair();
        let files = Files::new();
        files.write("cert.pem", &cert, 0o644);
        files.write("key.pem", &key, 0o640);
        files.open().unwrap();
        assert!(files.served.leaf().is_some());
    }

    #[test]
    fn changed_files_are_put_in_force_and_bad_ones_are_not() {
        let ((cert, key), (next_cert, next_key)) = (pair(), pair());
        let files = Files::new();
        files.write("cert.pem", &cert, 0o644);
        files.write("key.pem", &key, 0o600);
        let mut opened = files.open().unwrap();
        let first = files.served.leaf();
        // Half of the change, as a tool that writes one file after the other leaves it for a moment.
        files.write("cert.pem", &format!("{next_cert}\n"), 0o644);
        opened.look(&files.served);
        assert_eq!(files.served.leaf(), first);
        files.write("key.pem", &format!("{next_key}\n"), 0o600);
        opened.look(&files.served);
        assert_ne!(files.served.leaf(), first);
    }
}
