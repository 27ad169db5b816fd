//! Looking after the store.

use crate::error::ServiceError;
use crate::node::Node;
use crate::store::CheckReport;

impl Node {
    /// Reads everything that is stored and compares it with its signatures and sums.
    pub async fn check(&self) -> Result<CheckReport, ServiceError> {
        self.inner.read(|database| Ok(database.check()?)).await
    }

    /// Computes the rows that people see anew, in one transaction: other writes wait. `progress` hears how many entries
    /// of how many are done.
    pub async fn reindex(&self, mut progress: impl FnMut(u64, u64) + Send + 'static) -> Result<(), ServiceError> {
        self.inner.act(move |desk| Ok(desk.projection.rebuild(desk.writing, &mut progress)?)).await
    }
}
