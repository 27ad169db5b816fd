//! Two nodes that know no address find each other by their announcements.

use crate::link::Via;
use crate::net::{Config, DiscoveryConfig};
use crate::tests::authority::{Authority, Issued};
use crate::tests::node::{TestNode, config, leaves, store};

fn announcing(leaf: &Issued) -> Config {
    let mut config = config(leaf, &[]);
    config.discovery = Some(DiscoveryConfig { interfaces: vec!["lo".into()] });
    config
}

#[tokio::test]
async fn nodes_of_one_organisation_find_each_other_and_leave_others_alone() {
    let (authority, neighbour) = (Authority::new("朝凪市"), Authority::new("夕凪市"));
    let [one, two] = leaves(&authority);
    let [stranger] = leaves(&neighbour);
    let mut here = TestNode::start_with(announcing(&one), store(&one, 1));
    let other = TestNode::start_with(announcing(&stranger), store(&stranger, 1));
    let mut there = TestNode::start_with(announcing(&two), store(&two, 1));
    here.told.until_connected(two.node).await;
    there.told.until_connected(one.node).await;
    let vias: Vec<Via> = [&here, &there].iter().map(|node| node.net.connections()[0].via).collect();
    assert!(vias.contains(&Via::Mdns), "{vias:?}");
    assert!(other.net.connections().is_empty());
    for node in [here, there, other] {
        node.net.shutdown().await;
    }
}
