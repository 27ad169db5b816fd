//! Ports and names: whether browsers and other nodes can find this one.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use noroshi_provisioning::browser::WebName;

use super::{Patient, Report};
use crate::web_tls::names;

const PORT: &str = "ポート";
const NAME: &str = "名前";
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

pub fn look(patient: &Patient, report: &mut Report) {
    let is_running = patient.status.is_some();
    let web = &patient.config.web;
    for (key, list) in [("web.listen", &web.listen), ("web.https", &web.https), ("web.helper", &web.helper)] {
        for address in list {
            let seen = if is_running { connect(*address) } else { TcpListener::bind(address).map(drop) };
            tell(report, key, *address, "TCP", is_running, seen.map_err(|error| error.kind()));
        }
    }
    let sync = patient.config.sync.listen;
    let bound = UdpSocket::bind(sync).map(drop).map_err(|error| error.kind());
    // UDP answers nobody; that the port is taken is the sign that the node has it.
    let seen = match (is_running, bound) {
        (true, Err(ErrorKind::AddrInUse)) => Ok(()),
        (true, Ok(())) => Err(ErrorKind::ConnectionRefused),
        (_, other) => other,
    };
    tell(report, "sync.listen", sync, "UDP", is_running, seen);
    for name in &web.names {
        resolve(name, report);
    }
}

fn connect(address: SocketAddr) -> std::io::Result<()> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    TcpStream::connect_timeout(&SocketAddr::new(ip, address.port()), CONNECT_LIMIT).map(drop)
}

fn tell(
    report: &mut Report,
    key: &str,
    address: SocketAddr,
    protocol: &str,
    is_running: bool,
    seen: Result<(), ErrorKind>,
) {
    let what = format!("{key} {address}（{protocol}）");
    match seen {
        Ok(()) if is_running => report.good(PORT, format!("{what} で待ち受けています")),
        Ok(()) => report.good(PORT, format!("{what} は空いています")),
        Err(kind) => {
            let (trouble, advice) = trouble(kind, is_running);
            report.bad(PORT, format!("{what} {trouble}（{kind}）"), advice);
        }
    }
}

/// What it is and what to do.
const fn trouble(kind: ErrorKind, is_running: bool) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::AddrInUse => (
            "はほかのプログラムが使っています",
            "そのプログラムを止めるか（ss -ltnup で調べられます）、noroshi.toml で別のポートにしてください。",
        ),
        ErrorKind::PermissionDenied => (
            "を開く権限がありません",
            "1024 未満のポートには権限が要ります（systemd では AmbientCapabilities=CAP_NET_BIND_SERVICE）。",
        ),
        ErrorKind::AddrNotAvailable => {
            ("のアドレスはこのマシンにありません", "IP アドレスを固定するか、noroshi.toml を 0.0.0.0 にしてください。")
        }
        _ if is_running => {
            ("につながりません", "ノードの記録（log）を見てください。起動時にポートを開けなかったかもしれません。")
        }
        _ => ("を開けません", "noroshi.toml のアドレスを確かめてください。"),
    }
}

/// Whether a configured name leads here, by the name servers of this machine.
fn resolve(name: &WebName, report: &mut Report) {
    let WebName::Dns(host) = name else { return };
    let own = names::addresses();
    let found: Vec<IpAddr> = (host.as_str(), 0)
        .to_socket_addrs()
        .map(|found| found.map(|address| address.ip()).collect())
        .unwrap_or_default();
    if found.is_empty() {
        report.warn(
            NAME,
            format!("{host} が引けません"),
            "庁内の DNS に、このノードのアドレスで登録してください。登録までは IP アドレスで開けます。",
        );
    } else if found.iter().any(|ip| own.contains(ip)) {
        report.good(NAME, format!("{host} はこのマシンを指しています"));
    } else {
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        report.warn(
            NAME,
            format!("{host} は別のアドレス {} を指しています", found.join(" ")),
            "庁内の DNS の登録を確かめてください（アドレス変換を挟む構成なら問題ありません）。",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    fn mark(is_running: bool, seen: Result<(), ErrorKind>) -> Mark {
        let mut report = Report::default();
        tell(&mut report, "web.https", "0.0.0.0:443".parse().unwrap(), "TCP", is_running, seen);
        let finding = report.findings.pop().unwrap();
        assert_eq!(finding.advice.is_some(), finding.mark != Mark::Good, "{finding}");
        finding.mark
    }

    #[test]
    fn a_port_is_ours_free_or_trouble() {
        for (is_running, seen, expected) in [
            (true, Ok(()), Mark::Good),
            (false, Ok(()), Mark::Good),
            (true, Err(ErrorKind::ConnectionRefused), Mark::Bad),
            (false, Err(ErrorKind::AddrInUse), Mark::Bad),
            (false, Err(ErrorKind::PermissionDenied), Mark::Bad),
            (false, Err(ErrorKind::AddrNotAvailable), Mark::Bad),
        ] {
            assert_eq!(mark(is_running, seen), expected, "{is_running} {seen:?}");
        }
    }

    #[test]
    fn a_port_in_use_is_found() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        assert!(connect(address).is_ok());
        assert_eq!(TcpListener::bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
    }
}
