//! Where time comes from: one clock for sessions and one for certificates, both replaceable.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use noroshi_sync::event::Now;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

/// The time of this machine.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Now;

    /// The time certificates are checked against, milliseconds since 1970. A node that knows a better time than its own
    /// clock (never before it was built, never past what headquarters has signed) says so here.
    fn certificate_ms(&self) -> u64 {
        self.now().wall_ms
    }
}

/// The clock of the operating system.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now { mono_ms: milliseconds(self.start.elapsed()), wall_ms: milliseconds(since_1970) }
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Gives rustls the certificate time of a [`Clock`].
pub(crate) struct CertificateTime(pub Arc<dyn Clock>);

impl fmt::Debug for CertificateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateTime")
    }
}

impl TimeProvider for CertificateTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.certificate_ms())))
    }
}
