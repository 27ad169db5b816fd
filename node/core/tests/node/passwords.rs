//! A password that somebody changes in an office that hears from nobody, and what the others make of it later.

use noroshi_node::error::ServiceError;
use noroshi_node::fixture::PASSWORD;

use crate::city::{Office, exchange};

const NEW: &str = "海沿いの道を歩いて帰る犬が二匹";

#[tokio::test(flavor = "multi_thread")]
async fn an_office_that_is_cut_off_changes_it_and_the_others_follow() {
    let headquarters = Office::founded(0).await;
    let branch = Office::empty(1);
    exchange(&headquarters, &branch).await;
    let at_headquarters = headquarters.node.log_in("o1p1", PASSWORD, None).await.unwrap();
    let here = branch.node.log_in("o1p1", PASSWORD, None).await.unwrap();
    let elsewhere = branch.node.log_in("o1p1", PASSWORD, None).await.unwrap();
    let actor = branch.node.authenticate(&here.token).await.unwrap();

    branch.node.change_password(&actor, &here.token, PASSWORD.into(), NEW.into()).await.unwrap();
    assert!(branch.node.authenticate(&here.token).await.is_ok());
    assert_eq!(branch.node.authenticate(&elsewhere.token).await, Err(ServiceError::Unauthenticated));
    assert!(branch.node.log_in("o1p1", NEW, None).await.is_ok());
    assert_eq!(branch.node.log_in("o1p1", PASSWORD, None).await, Err(ServiceError::Unauthenticated));
    // Headquarters has heard of nothing.
    assert!(headquarters.node.authenticate(&at_headquarters.token).await.is_ok());

    exchange(&headquarters, &branch).await;
    assert_eq!(headquarters.node.authenticate(&at_headquarters.token).await, Err(ServiceError::Unauthenticated));
    assert!(headquarters.node.log_in("o1p1", NEW, None).await.is_ok());
    assert_eq!(headquarters.node.log_in("o1p1", PASSWORD, None).await, Err(ServiceError::Unauthenticated));

    // The session that outlived this change does not outlive one that somebody else makes.
    let again = headquarters.node.log_in("o1p1", NEW, None).await.unwrap();
    let other = headquarters.node.authenticate(&again.token).await.unwrap();
    let newer = "犬二匹と歩く海沿いの長い帰り道";
    headquarters.node.change_password(&other, &again.token, NEW.into(), newer.into()).await.unwrap();
    exchange(&headquarters, &branch).await;
    assert_eq!(branch.node.authenticate(&here.token).await, Err(ServiceError::Unauthenticated));
    assert!(branch.node.log_in("o1p1", newer, None).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_refused_changes_nothing() {
    let office = Office::founded(1).await;
    let log_in = office.node.log_in("o1p2", PASSWORD, None).await.unwrap();
    let actor = office.node.authenticate(&log_in.token).await.unwrap();
    let wrong = office.node.change_password(&actor, &log_in.token, "wrong".into(), NEW.into()).await;
    assert_eq!(wrong, Err(ServiceError::Denied("wrong_password")));
    let short = office.node.change_password(&actor, &log_in.token, PASSWORD.into(), "short".into()).await;
    assert!(matches!(short, Err(ServiceError::Invalid { field: "new", .. })), "{short:?}");
    assert!(office.node.log_in("o1p2", PASSWORD, None).await.is_ok());
    assert!(office.node.authenticate(&log_in.token).await.is_ok());
    // The session ended while the password was being checked.
    office.node.log_out(&log_in.token).await.unwrap();
    let late = office.node.change_password(&actor, &log_in.token, PASSWORD.into(), NEW.into()).await;
    assert_eq!(late, Err(ServiceError::Unauthenticated));
    assert!(office.node.log_in("o1p2", PASSWORD, None).await.is_ok());
}
