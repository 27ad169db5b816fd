//! Whether a certificate counts as expired: only when headquarters and this machine's clock both say so.
//!
//! A certificate that does not count never shuts a node out. Its peers still exchange the ledger with it
//! ([`Scope::LedgerOnly`]), which is what it needs to be renewed, so that expiry never makes an outage worse. Revocation
//! is another matter: a revoked node is refused by the ledger.

use std::time::Duration;

use noroshi_sync::store::Scope;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::certificate::InvalidCertificate;
use crate::clock::Clock;

/// From when and until when all certificates of a chain are valid, milliseconds since 1970. The root is not looked at: it
/// is the organisation, and ends only with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    pub from_ms: u64,
    pub until_ms: u64,
}

impl Validity {
    /// Of the node's certificate and the intermediates.
    pub fn of_chain<'a>(chain: impl IntoIterator<Item = &'a CertificateDer<'a>>) -> Result<Self, InvalidCertificate> {
        let mut whole = Self { from_ms: 0, until_ms: u64::MAX };
        for certificate in chain {
            let (_, parsed) = X509Certificate::from_der(certificate)
                .map_err(|error| InvalidCertificate::Encoding(error.to_string()))?;
            let ms = |seconds: i64| u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000);
            whole.from_ms = whole.from_ms.max(ms(parsed.validity().not_before.timestamp()));
            whole.until_ms = whole.until_ms.min(ms(parsed.validity().not_after.timestamp()));
        }
        Ok(whole)
    }

    /// A moment at which all of the chain is valid, if there is one.
    pub(crate) fn some_moment(&self) -> Option<UnixTime> {
        (self.from_ms <= self.until_ms).then(|| UnixTime::since_unix_epoch(Duration::from_millis(self.from_ms)))
    }
}

/// What a node knows about the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownTime {
    /// By this machine's clock, milliseconds since 1970.
    pub local_ms: u64,
    /// It cannot be earlier than this: a clock that says so was never set.
    pub floor_ms: u64,
    /// As headquarters last signed; `None` where no such mark has arrived yet.
    pub headquarters_ms: Option<u64>,
}

/// What a certificate is worth at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    Valid,
    NotYet,
    Expired,
}

impl KnownTime {
    pub fn of(clock: &dyn Clock) -> Self {
        let headquarters_ms = clock.headquarters_ms();
        let floor_ms = clock.floor_ms().max(headquarters_ms.unwrap_or(0));
        Self { local_ms: clock.now().wall_ms, floor_ms, headquarters_ms }
    }

    /// The best guess at the time: never before the floor.
    pub fn at_least_ms(&self) -> u64 {
        self.local_ms.max(self.floor_ms)
    }

    pub fn judge(&self, validity: &Validity) -> Standing {
        let is_past = |time_ms: u64| time_ms > validity.until_ms;
        if is_past(self.local_ms) && self.headquarters_ms.is_some_and(is_past) {
            return Standing::Expired;
        }
        // A clock behind the floor is wrong and says nothing. Headquarters' last mark may be older than a certificate that
        // headquarters issued since.
        let clock_is_plausible = self.local_ms >= self.floor_ms;
        if clock_is_plausible && self.local_ms < validity.from_ms { Standing::NotYet } else { Standing::Valid }
    }

    /// What is exchanged with the holder of such a certificate.
    pub fn scope(&self, validity: &Validity) -> Scope {
        match self.judge(validity) {
            Standing::Valid => Scope::Everything,
            Standing::NotYet | Standing::Expired => Scope::LedgerOnly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;
    /// Issued on day 1,000, for a year.
    const CERTIFICATE: Validity = Validity { from_ms: 1_000 * DAY, until_ms: 1_365 * DAY };

    #[test]
    fn only_two_clocks_together_end_a_certificate() {
        // Day by this machine's clock, day that headquarters signed, what the certificate counts as.
        let table = [
            ("all is well", 1_100, Some(1_100), Standing::Valid),
            ("its last day", 1_365, Some(1_365), Standing::Valid),
            ("both say it is over", 1_385, Some(1_385), Standing::Expired),
            ("over for 20 days, headquarters silent since before", 1_385, Some(1_360), Standing::Valid),
            ("over, and headquarters was never heard", 1_385, None, Standing::Valid),
            ("over by headquarters, this clock is behind", 1_300, Some(1_385), Standing::Valid),
            ("this clock says 1970", 0, Some(1_100), Standing::Valid),
            ("this clock says 1970, headquarters was never heard", 0, None, Standing::Valid),
            ("this clock says 1970, headquarters says it is over", 0, Some(1_385), Standing::Valid),
            ("this clock says 2035", 4_000, Some(1_100), Standing::Valid),
            ("this clock says 2035, headquarters was never heard", 4_000, None, Standing::Valid),
            ("this clock says 2035, headquarters says it is over", 4_000, Some(1_385), Standing::Expired),
            ("issued since headquarters was last heard", 1_001, Some(990), Standing::Valid),
            ("issued tomorrow", 999, Some(998), Standing::NotYet),
            ("issued tomorrow, this clock says 1970", 0, Some(998), Standing::Valid),
            ("issued tomorrow, this clock is behind headquarters", 997, Some(998), Standing::Valid),
        ];
        for (what, local, headquarters, expected) in table {
            let headquarters_ms = headquarters.map(|day| day * DAY);
            let floor_ms = headquarters_ms.unwrap_or(0).max(900 * DAY);
            let known = KnownTime { local_ms: local * DAY, floor_ms, headquarters_ms };
            assert_eq!(known.judge(&CERTIFICATE), expected, "{what}");
        }
    }

    #[test]
    fn the_edge_is_the_last_moment_named() {
        let at = |ms| KnownTime { local_ms: ms, floor_ms: 0, headquarters_ms: Some(ms) };
        assert_eq!(at(CERTIFICATE.until_ms).judge(&CERTIFICATE), Standing::Valid);
        assert_eq!(at(CERTIFICATE.until_ms + 1).judge(&CERTIFICATE), Standing::Expired);
        let alone = |ms| KnownTime { local_ms: ms, floor_ms: 0, headquarters_ms: None };
        assert_eq!(alone(CERTIFICATE.from_ms).judge(&CERTIFICATE), Standing::Valid);
        assert_eq!(alone(CERTIFICATE.from_ms - 1).judge(&CERTIFICATE), Standing::NotYet);
    }
}
