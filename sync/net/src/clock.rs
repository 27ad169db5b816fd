//! Where time comes from: one clock for sessions and one for certificates, both replaceable.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use noroshi_sync::event::Now;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::limits::RELEASED_MS;
use crate::validity::KnownTime;

/// The time of this machine.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Now;

    /// The time that headquarters last signed, milliseconds since 1970, as far as it has arrived here.
    fn headquarters_ms(&self) -> Option<u64> {
        None
    }

    /// It is later than this, whatever a clock says: milliseconds since 1970. A node that knows more than the program
    /// (when its certificate was issued) says so here.
    fn floor_ms(&self) -> u64 {
        RELEASED_MS
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

/// Gives rustls the time of a [`Clock`], never before its floor. What expires is judged by
/// [`KnownTime`](crate::validity::KnownTime), which knows two clocks; the verifiers do not ask this one.
pub(crate) struct CertificateTime(pub Arc<dyn Clock>);

impl fmt::Debug for CertificateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateTime")
    }
}

impl TimeProvider for CertificateTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(KnownTime::of(&*self.0).at_least_ms())))
    }
}
