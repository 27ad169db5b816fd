//! Erasing over HTTP: asked first, signed with an unlocked key, shown as a tombstone, told in the audit log. And what
//! arrived late, and a page started anew.

use serde_json::{Value, json};

use crate::house::House;
use crate::ids::id;

async fn post(house: &House, room: &str, text: &str) -> String {
    let message = id();
    let path = format!("/api/v1/rooms/{room}/messages/{message}");
    house.tanaka.call("PUT", &path, &json!({ "text": text })).await.ok(201);
    message
}

async fn items(house: &House, path: &str) -> Vec<Value> {
    house.tanaka.get(path).await.ok(200).json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_message_is_erased_after_a_dry_run_and_leaves_a_tombstone() {
    let house = House::new().await;
    house.seal_key();
    let room = house.room("本部", &["kanri"]).await;
    let (message, other) = (post(&house, &room, "住所は…").await, post(&house, &room, "残る").await);
    let path = format!("/api/v1/rooms/{room}/erasures");
    let with = |reason: &str, dry: bool| json!({"messages": [message], "grounds": "personal_data", "reason": reason, "dry_run": dry});
    let counts = house.kanri.call("POST", &path, &with("誤送信", true)).await.ok(200).json();
    assert_eq!((&counts["messages"], &counts["entries"], &counts["offices"]), (&json!(1), &json!(1), &json!(1)));
    house.kanri.call("POST", &path, &with("誤送信", false)).await.refused(403, "console_locked");
    house.kanri.call("POST", "/api/v1/console", &json!({"password": House::PASSWORD})).await.ok(200);
    house.kanri.call("POST", &path, &with("", false)).await.refused(422, "empty");
    let unknown = json!({"messages": [id()], "grounds": "drill", "reason": "x"});
    house.kanri.call("POST", &path, &unknown).await.refused(422, "unknown_message");
    house
        .kanri
        .call("POST", &path, &json!({"messages": [message], "grounds": "x", "reason": "x"}))
        .await
        .refused(400, "malformed");
    house.kanri.call("POST", &path, &with("誤送信", false)).await.ok(200);
    let page = items(&house, &format!("/api/v1/rooms/{room}/messages")).await;
    assert_eq!(page.len(), 2);
    assert_eq!((&page[0]["id"], &page[0]["text"]), (&json!(message), &json!("")));
    assert_eq!(
        (&page[0]["erased"]["grounds"], &page[0]["erased"]["reason"]),
        (&json!("personal_data"), &json!("誤送信"))
    );
    assert_eq!((&page[1]["id"], &page[1]["erased"]), (&json!(other), &Value::Null));
    // Saying it again under the same id, and anything else with it, is refused.
    let again = format!("/api/v1/rooms/{room}/messages/{message}");
    house.tanaka.call("PUT", &again, &json!({"text": "住所は…"})).await.refused(409, "conflict");
    house.tanaka.call("PATCH", &again, &json!({"text": "別の"})).await.refused(422, "redacted");
    let acts = house.kanri.get(&path).await.ok(200).json();
    assert_eq!((&acts["items"][0]["messages"], &acts["items"][0]["reason"]), (&json!(1), &json!("誤送信")));
    let log = house.kanri.get("/api/v1/audit?kind=content_erased").await.ok(200).json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    assert_eq!(log["items"][0]["detail"]["grounds"], json!("personal_data"));
    assert!(!log.to_string().contains("住所"), "what was erased is not told");
    // A mark on a tombstone is a mark like any other.
    house.kanri.call("PUT", &format!("/api/v1/rooms/{room}/read"), &json!({ "message": message })).await.ok(204);
}

#[tokio::test]
async fn a_mark_says_what_was_shown() {
    let house = House::new().await;
    let room = house.room("本部", &["suzuki"]).await;
    let first = post(&house, &room, "一").await;
    let page = house.suzuki.get(&format!("/api/v1/rooms/{room}/messages")).await.ok(200).json();
    let seen = page["seen"].as_str().unwrap().to_owned();
    let second = post(&house, &room, "二").await;
    let third = post(&house, &room, "三").await;
    let path = format!("/api/v1/rooms/{room}/read");
    house.suzuki.call("PUT", &path, &json!({"message": third, "seen": seen})).await.ok(204);
    let view = house.suzuki.get(&format!("/api/v1/rooms/{room}")).await.ok(200).json();
    // The second one had been told of after what was shown; the third one is named.
    assert_eq!((&view["unread"], &view["late"]), (&json!(1), &json!(1)));
    let late = house.suzuki.get(&format!("/api/v1/rooms/{room}/messages?late=true")).await.ok(200).json();
    assert_eq!(late["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect::<Vec<_>>(), [&json!(second)]);
    let shown = json!({"message": third, "seen": late["seen"], "late": [second]});
    house.suzuki.call("PUT", &path, &shown).await.ok(204);
    let view = house.suzuki.get(&format!("/api/v1/rooms/{room}")).await.ok(200).json();
    assert_eq!((&view["unread"], &view["late"]), (&json!(0), &json!(0)));
    let never = json!({"message": first, "seen": "9999999"});
    house.suzuki.call("PUT", &path, &never).await.refused(422, "unknown_cursor");
    house.suzuki.call("PUT", &path, &json!({"message": first, "seen": "x"})).await.refused(400, "malformed");
}

#[tokio::test]
async fn a_page_is_started_anew_with_what_it_said() {
    let house = House::new().await;
    house.seal_key();
    let room = house.room("本部", &["suzuki"]).await;
    let path = format!("/api/v1/rooms/{room}");
    house.tanaka.call("PATCH", &path, &json!({"topic": "大雨"})).await.ok(200);
    let renewal = format!("{path}/page/renewal");
    house.kanri.call("POST", &renewal, &json!({})).await.refused(403, "console_locked");
    house.kanri.call("POST", "/api/v1/console", &json!({"password": House::PASSWORD})).await.ok(200);
    house.kanri.call("POST", &renewal, &json!({})).await.ok(204);
    let view = house.suzuki.get(&path).await.ok(200).json();
    assert_eq!((&view["name"], &view["topic"]), (&json!("本部"), &json!("大雨")));
    house.suzuki.call("PATCH", &path, &json!({"topic": "台風"})).await.ok(200);
    assert_eq!(house.tanaka.get(&path).await.ok(200).json()["topic"], json!("台風"));
    let log = house.kanri.get("/api/v1/audit?kind=page_renewed").await.ok(200).json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
}
