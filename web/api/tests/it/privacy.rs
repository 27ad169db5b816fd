//! Not a byte of a room reaches somebody who is not in it, whatever they ask for.

use serde_json::{Value, json};

use crate::house::House;
use crate::ids::id;
use crate::socket::Socket;

const CANARY: &str = "かなりあ4711";

#[tokio::test]
async fn an_outsider_never_sees_a_byte_of_a_room() {
    let house = House::new().await;
    let (takahashi, _) = Socket::open(&house.takahashi, None).await;
    let mut heard = Vec::new();

    let new = json!({"name": CANARY, "topic": CANARY, "purpose": CANARY, "members": [house.id_of("suzuki")], "kind": "group"});
    let room = house.tanaka.call("POST", "/api/v1/rooms", &new).await.ok(201).json()["id"].as_str().unwrap().to_owned();
    let message = id();
    let path = format!("/api/v1/rooms/{room}/messages/{message}");
    house.tanaka.call("PUT", &path, &json!({"text": CANARY, "mentions": [house.id_of("suzuki")]})).await.ok(201);
    house.suzuki.bare("PUT", &format!("{path}/reactions/kanaria4711")).await.ok(204);
    house.tanaka.call("PATCH", &path, &json!({"text": format!("{CANARY}!")})).await.ok(200);
    house.suzuki.call("PUT", &format!("/api/v1/rooms/{room}/read"), &json!({"message": message})).await.ok(204);
    house.tanaka.call("PATCH", &format!("/api/v1/rooms/{room}"), &json!({"pins": [message]})).await.ok(200);
    let (mut tanaka, _) = Socket::open(&house.tanaka, None).await;
    tanaka.say(&json!({"type": "typing", "room": room})).await;
    tanaka.drain().await;

    let description = house.nobody().get("/api/v1/openapi.json").await.json();
    let mut asked = 0;
    for (pattern, item) in description["paths"].as_object().unwrap() {
        if pattern.starts_with("/api/v1/events") {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            if pattern == "/api/v1/session" {
                continue;
            }
            let mut path = pattern.replace("{room}", &room).replace("{message}", &message);
            path =
                path.replace("{user}", &house.id_of("takahashi")).replace("{stamp}", "ryokai").replace("{node}", "all");
            // Bodies that each such call would take from a member.
            let body = match (method.as_str(), operation["operationId"].as_str().unwrap()) {
                ("get" | "delete", _) | (_, "add_reaction") => None,
                (_, "set_link") => Some(json!({"cut": false})),
                (_, "create_room") => Some(json!({"name": "x", "members": [], "kind": "group"})),
                (_, "edit_room") => Some(json!({"topic": "x"})),
                (_, "set_member") => Some(json!({"role": "admin"})),
                (_, "mark_read") => Some(json!({"message": message})),
                _ => Some(json!({"text": "x"})),
            };
            let method = method.to_uppercase();
            let reply = match body {
                Some(body) => house.takahashi.call(&method, &path, &body).await,
                None => house.takahashi.bare(&method, &path).await,
            };
            assert!(
                !reply.text().contains(CANARY) && !reply.text().contains("kanaria4711"),
                "{method} {path}: {}",
                reply.text()
            );
            // What administrators alone do is refused before anything is asked about the room.
            let administrative = pattern.contains("/erasures") || pattern.contains("/page/renewal");
            if administrative {
                reply.refused(403, "forbidden");
            } else if pattern.contains("{room}") {
                reply.refused(404, "not_found");
            }
            // Administrators of the whole organisation are outsiders as well.
            if method == "GET" {
                let reply = house.kanri.bare("GET", &path).await;
                assert!(!reply.text().contains(CANARY) && !reply.text().contains("kanaria4711"), "{path}");
            }
            asked += 1;
        }
    }
    assert_eq!(asked, 87);

    // When the end of everything has come, nothing from before it is still on its way.
    let open = house.room("公開", &["takahashi"]).await;
    let end = json!({"text": "終わり"});
    house.tanaka.call("PUT", &format!("/api/v1/rooms/{open}/messages/{}", id()), &end).await.ok(201);
    let (resumed, _) = Socket::open(&house.takahashi, Some("0")).await;
    for mut socket in [takahashi, resumed] {
        while !heard.last().is_some_and(|event: &Value| event["message"]["text"] == "終わり") {
            heard.push(socket.next().await);
        }
        heard.push(Value::Null);
    }
    let heard = json!(heard).to_string();
    assert!(!heard.contains(CANARY) && !heard.contains(&room) && !heard.contains(&message), "{heard}");
}
