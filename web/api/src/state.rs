//! What every handler may use.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use noroshi_node::Node;
use noroshi_node::error::ServiceError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::auth::cookie::{Channel, CookieNames};
use crate::auth::login_limit::LoginLimit;
use crate::config::WebConfig;
use crate::events::admission::Admission;
use crate::events::log_outs::LogOuts;

/// Cheap to clone: handlers get one each.
#[derive(Clone)]
pub struct State {
    inner: Arc<Inner>,
    /// Those of the channel that this router serves.
    pub cookies: Arc<CookieNames>,
}

pub struct Inner {
    pub node: Node,
    pub app: App,
    short: String,
    pub login_limit: LoginLimit,
    pub log_outs: LogOuts,
    pub admission: Admission,
    pub metrics: Option<PrometheusHandle>,
    pub body_time: Duration,
    pub answer_time: Duration,
    pub ping_every: Duration,
    pub shutdown: CancellationToken,
    pub tasks: TaskTracker,
}

impl std::ops::Deref for State {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl State {
    pub async fn new(
        node: Node,
        config: &WebConfig,
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Result<Self, ServiceError> {
        crate::observe::describe();
        let view = node.node_view().await?;
        let cookies = Arc::new(CookieNames::new(&view.short, Channel::Plain));
        let inner = Arc::new(Inner {
            app: App::load(),
            short: view.short,
            login_limit: LoginLimit::new(),
            log_outs: LogOuts::new(),
            admission: Admission::new(),
            metrics: config.metrics.clone(),
            body_time: config.limits.body_time,
            answer_time: config.limits.answer_time,
            ping_every: config.limits.ping_every,
            shutdown,
            tasks,
            node,
        });
        Ok(Self { inner, cookies })
    }

    /// The same for requests that come over HTTPS.
    pub fn over_tls(&self) -> Self {
        let cookies = Arc::new(CookieNames::new(&self.inner.short, Channel::Tls));
        Self { inner: self.inner.clone(), cookies }
    }
}
