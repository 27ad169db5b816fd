//! `noroshi serve`: starts the parts in order, waits for a signal, stops them in the reverse order.

use std::sync::Arc;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use noroshi_web::{Listen, WebConfig};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::commands::{Failure, runtime};
use crate::config::{Log, LogFormat};
use crate::control;
use crate::folder::DataFolder;
use crate::office::Office;
use crate::web_tls::WebTls;
use crate::wiring::Line;

/// Runs the node of this folder until SIGINT or SIGTERM.
pub fn serve(folder: &DataFolder) -> Result<(), Failure> {
    let metrics = PrometheusBuilder::new().install_recorder()?;
    noroshi_net::metric::describe();
    noroshi_node::peers::metric::describe();
    let office = Arc::new(Office::open(folder)?);
    start_log(&office.config.log)?;
    runtime()?.block_on(run(office, metrics))
}

fn start_log(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| format!("log.filter: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Text => builder.with_ansi(false).try_init()?,
        LogFormat::Json => builder.json().try_init()?,
    }
    Ok(())
}

async fn run(office: Arc<Office>, metrics: PrometheusHandle) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let line = Line::start(&office).await?;
    let web_tls = WebTls::start(&office, line.net())?;
    let mut listen: Vec<Listen> = office.config.web.listen.iter().map(|address| Listen::plain(*address)).collect();
    if let Some(tls) = &web_tls {
        listen.extend(office.config.web.https.iter().map(|address| Listen::tls(*address, tls.certificate())));
    }
    let helper = web_tls.as_ref().and_then(|tls| tls.helper(&office));
    let web_config = WebConfig { metrics: Some(metrics), helper, ..WebConfig::new(listen) };
    let web = noroshi_web::serve(web_config, office.node.clone(), stop.clone()).await?;
    let commands = tokio::spawn(control::serve(office.clone(), stop.clone()));
    tracing::info!(
        node = %office.identity.node().short(),
        web = ?web.addresses,
        helper = ?web.helper,
        sync = ?line.addresses(),
        "the node serves"
    );
    // Not being under systemd is not a fault.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    let ended = wait_for_the_end(&stop).await;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("stopping");
    stop.cancel();
    web.task.await?;
    commands.await??;
    if let Some(tls) = web_tls {
        tls.stop().await;
    }
    line.stop().await;
    office.close().await;
    tracing::info!("stopped");
    ended
}

async fn wait_for_the_end(stop: &CancellationToken) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
        () = stop.cancelled() => {}
    }
    Ok(())
}
