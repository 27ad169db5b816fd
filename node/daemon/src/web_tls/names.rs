//! By which names and addresses browsers may reach this node.

use std::net::IpAddr;

use noroshi_provisioning::browser::WebName;
use noroshi_provisioning::limits::WEB_NAMES_MAX;
use noroshi_sync::id::NodeId;

use crate::config::Web;

/// The configured names first, then those a node has by itself, this machine's own last; each once, as many as a
/// certificate may hold.
pub fn of_node(web: &Web, node: NodeId) -> Vec<WebName> {
    collect(web, node, &host_name(), &addresses())
}

fn collect(web: &Web, node: NodeId, host: &str, addresses: &[IpAddr]) -> Vec<WebName> {
    let reached = addresses.iter().filter(|ip| web.https.iter().any(|listen| is_reached_at(listen.ip(), **ip)));
    let mdns = [format!("noroshi-{}.local", node.short()), format!("{host}.local")];
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut names: Vec<WebName> = Vec::new();
    let all = web.names.iter().cloned().chain(reached.map(|ip| WebName::Ip(ip.to_canonical())));
    for name in all.chain(mdns.into_iter().chain(own).filter_map(|name| name.parse().ok())) {
        if !names.contains(&name) && names.len() < WEB_NAMES_MAX {
            names.push(name);
        }
    }
    names
}

/// Whether who listens on `listen` hears connections to `ip`. Browsers take no address with a zone, so link-local IPv6
/// addresses are of no use to them.
fn is_reached_at(listen: IpAddr, ip: IpAddr) -> bool {
    let is_link_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    if ip.is_loopback() || is_link_local {
        return false;
    }
    match listen {
        IpAddr::V4(listen) if listen.is_unspecified() => ip.is_ipv4(),
        // Linux gives such a listener IPv4 too.
        IpAddr::V6(listen) if listen.is_unspecified() => true,
        listen => listen == ip,
    }
}

/// Addresses of this machine at this moment, in a constant order.
pub fn addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the addresses of this machine cannot be listed");
        Vec::new()
    });
    let mut addresses: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn host_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    host.trim().split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(https: &[&str], configured: &[&str], host: &str, addresses: &[&str]) -> Vec<String> {
        let web = Web {
            https: https.iter().map(|address| address.parse().unwrap()).collect(),
            names: configured.iter().map(|name| name.parse().unwrap()).collect(),
            ..Web::default()
        };
        let addresses: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        collect(&web, NodeId::from_bytes([0xab; 32]), host, &addresses).iter().map(ToString::to_string).collect()
    }

    const MACHINE: &[&str] = &["10.1.2.3", "127.0.0.1", "192.168.1.5", "::1", "fd00::5", "fe80::1"];
    const OWN: [&str; 5] = ["noroshi-abababab.local", "hq.local", "localhost", "127.0.0.1", "::1"];

    #[test]
    fn a_node_has_the_names_by_which_it_is_heard() {
        for (https, heard) in [
            ("0.0.0.0:443", &["10.1.2.3", "192.168.1.5"][..]),
            ("[::]:443", &["10.1.2.3", "192.168.1.5", "fd00::5"]),
            ("10.1.2.3:443", &["10.1.2.3"]),
            ("127.0.0.1:443", &[]),
        ] {
            let expected: Vec<&str> = ["hq.home.arpa"].iter().chain(heard).chain(&OWN).copied().collect();
            assert_eq!(names(&[https], &["hq.home.arpa"], "hq", MACHINE), expected, "{https}");
        }
    }

    #[test]
    fn a_strange_host_name_and_repetitions_are_left_out() {
        let found = names(&["0.0.0.0:443"], &["localhost", "10.1.2.3"], "本庁_1", &["10.1.2.3"]);
        assert_eq!(found, ["localhost", "10.1.2.3", "noroshi-abababab.local", "127.0.0.1", "::1"]);
    }

    #[test]
    fn a_machine_with_very_many_addresses_keeps_within_the_limit() {
        let many: Vec<String> = (0..100).map(|n| format!("10.0.0.{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(names(&["0.0.0.0:443"], &["hq.home.arpa"], "hq", &many).len(), WEB_NAMES_MAX);
    }
}
