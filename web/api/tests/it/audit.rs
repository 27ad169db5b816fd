//! The audit log over HTTP: what a request leaves behind, who may look, and what is never in it.

use noroshi_provisioning::Role;
use serde_json::{Value, json};

use crate::house::House;

async fn lines(house: &House, query: &str) -> Vec<Value> {
    let reply = house.kanri.get(&format!("/api/v1/audit{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_log_in_and_a_refusal_are_there_with_their_address() {
    let house = House::new().await;
    let nobody = house.nobody();
    let log_in = async |login: &str, password: &str| {
        nobody.call("POST", "/api/v1/session", &json!({"login": login, "password": password})).await.status
    };
    let suzuki = house.login_of("suzuki");
    assert_eq!(log_in(suzuki, "秘密-canary-9d1c").await, 401);
    assert_eq!(log_in("canary-9d1c", "x").await, 401);
    assert_eq!(log_in(suzuki, House::PASSWORD).await, 201);
    let refused = lines(&house, "?kind=log_in_refused").await;
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[1]["actor"]["id"], house.id_of("suzuki"));
    assert_eq!((&refused[0]["actor"], &refused[0]["object"]), (&Value::Null, &Value::Null));
    for line in &refused {
        assert_eq!((&line["detail"]["address"], &line["verified"]), (&json!("127.0.0.1"), &json!(true)));
    }
    let all = format!("{:?}", lines(&house, "").await);
    assert!(!all.contains("canary"), "neither passwords nor what was typed as a name: {all}");
    let of_suzuki = lines(&house, &format!("?kind=log_in&user={}", house.id_of("suzuki"))).await;
    assert_eq!(of_suzuki[0]["detail"]["address"], "127.0.0.1");
}

#[tokio::test]
async fn who_asks_for_what_is_not_theirs_is_noted_without_the_ids() {
    let house = House::new().await;
    for _ in 0..5 {
        assert_eq!(house.suzuki.get("/api/v1/people").await.status, 403);
    }
    let somebody = crate::ids::id();
    assert_eq!(house.suzuki.get(&format!("/api/v1/people/{somebody}")).await.status, 404);
    assert_eq!(house.suzuki.get("/api/v1/imports").await.status, 403);
    let refused = lines(&house, "?kind=forbidden").await;
    let reasons: Vec<&Value> = refused.iter().map(|line| &line["detail"]["reason"]).collect();
    assert_eq!(reasons, [&json!("GET /api/v1/imports"), &json!("GET /api/v1/people")]);
    assert!(refused.iter().all(|line| line["actor"]["id"] == json!(house.id_of("suzuki"))));
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let house = House::new().await;
    for (query, status) in [
        ("?kind=nonsense", 422),
        ("?cursor=nonsense", 422),
        ("?from=yesterday", 422),
        ("?user=nobody", 400),
        ("?limit=many", 400),
        ("?color=red", 400),
        ("?limit=0", 200),
        ("?limit=100000&from=2026-01-01&until=2099-12-31", 200),
    ] {
        assert_eq!(house.kanri.get(&format!("/api/v1/audit{query}")).await.status, status, "{query}");
    }
}

#[tokio::test]
async fn an_administrator_of_an_office_is_not_shown_another() {
    let house = House::new().await;
    house.grant("takahashi", Role::OfficeAdmin).await;
    let foreign = house.add_foreigner().await;
    let office = house.node.directory().user(foreign.parse().unwrap()).unwrap().office;
    let own = house.takahashi.get("/api/v1/audit").await;
    assert_eq!(own.status, 200);
    let other = house.takahashi.get(&format!("/api/v1/audit?office={office}")).await;
    assert_eq!(other.status, 403);
    assert_eq!(house.kanri.get(&format!("/api/v1/audit?office={office}")).await.status, 200);
    assert_eq!(house.suzuki.get("/api/v1/audit").await.status, 403);
}

#[tokio::test]
async fn the_log_is_read_part_by_part_and_nothing_is_left_out() {
    let house = House::new().await;
    let whole = lines(&house, "").await;
    assert!(whole.len() >= House::PEOPLE);
    let mut parts = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let part = house.kanri.get(&format!("/api/v1/audit{query}")).await.json();
        parts.extend(part["items"].as_array().unwrap().clone());
        let Some(next) = part["next"].as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    let id = |lines: &[Value]| lines.iter().map(|line| line["id"].clone()).collect::<Vec<_>>();
    assert_eq!(id(&parts), id(&whole));
}
