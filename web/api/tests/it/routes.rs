//! Every call does what it says, once through.

use serde_json::json;

use crate::house::House;
use crate::ids::id;

#[tokio::test]
async fn a_person_logs_in_looks_around_and_logs_out() {
    let house = House::new().await;
    let nobody = house.nobody();
    let body = json!({"login": house.login_of("tanaka"), "password": House::PASSWORD});
    let answer = nobody.call("POST", "/api/v1/session", &body).await;
    let session = answer.ok(201);
    let cookies: Vec<_> = session.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
    assert_eq!(cookies.len(), 2);
    assert!(cookies.iter().all(|(_, value)| value.contains("HttpOnly; SameSite=Strict")), "{cookies:?}");
    let session = session.json();
    assert_eq!(session["user"]["login"], house.login_of("tanaka"));
    assert_eq!(session["device"]["enrolled"], false);

    let tanaka = house.caller(session["token"].as_str().unwrap());
    let me = tanaka.get("/api/v1/me").await.ok(200).json();
    assert_eq!(me["user"]["id"], session["user"]["id"]);
    assert_eq!(me["device"]["id"], session["device"]["id"]);
    assert_eq!(me["node"], session["node"]);
    assert_eq!(me["roles"], json!(["staff"]));
    assert_eq!(me["settings"], json!({}));

    tanaka.bare("DELETE", "/api/v1/session").await.ok(204);
    tanaka.get("/api/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_node_and_its_peers_and_the_directory_can_be_seen() {
    let house = House::new().await;
    let tanaka = &house.tanaka;
    // The log-in page says at which office one logs in.
    let node = house.nobody().get("/api/v1/node").await.ok(200).json();
    assert_eq!(node["short"].as_str().unwrap(), &node["id"].as_str().unwrap()[..8]);
    assert_eq!(node["storage"]["state"], "ok");
    assert_eq!(node["headquarters"]["is_self"], true);
    for field in ["name", "office", "organisation", "zone", "version", "started_at", "clock", "demo"] {
        assert!(!node[field].is_null(), "{field}: {node}");
    }
    let peers = tanaka.get("/api/v1/peers").await.ok(200).json();
    assert_eq!(peers, json!({"items": [], "next": null}));
    let offices = tanaka.get("/api/v1/offices").await.ok(200).json();
    assert_eq!(offices["items"][0]["kind"], "headquarters");

    let users = tanaka.get("/api/v1/users").await.ok(200).json();
    let names: Vec<_> = users["items"].as_array().unwrap().iter().map(|user| user["kana"].as_str().unwrap()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!((names.len(), &names), (House::PEOPLE, &sorted));
    let found = tanaka.get("/api/v1/users?q=%E3%81%99%E3%81%9A%E3%81%8D&limit=1").await.ok(200).json();
    assert_eq!(found["items"][0]["id"], house.id_of("suzuki"));
}

#[tokio::test]
async fn a_link_is_cut_and_restored_by_those_who_may() {
    let house = House::new().await;
    let path = "/api/v1/peers/all/link";
    house.kanri.call("PUT", path, &json!({"cut": true})).await.ok(204);
    assert!(house.node.link_changes().borrow().all);
    house.kanri.call("PUT", path, &json!({"cut": false})).await.ok(204);
    assert!(!house.node.link_changes().borrow().all);
    house.tanaka.call("PUT", path, &json!({"cut": true})).await.refused(403, "forbidden");
    house.kanri.call("PUT", "/api/v1/peers/nonsense/link", &json!({"cut": true})).await.refused(404, "not_found");
    let unknown = format!("/api/v1/peers/{}/link", "ab".repeat(32));
    house.kanri.call("PUT", &unknown, &json!({"cut": true})).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_room_is_made_edited_and_peopled() {
    let house = House::new().await;
    let tanaka = &house.tanaka;
    let new =
        json!({"id": id(), "name": "避難所", "topic": "北小学校", "members": [house.id_of("suzuki")], "kind": "group"});
    let room = tanaka.call("POST", "/api/v1/rooms", &new).await.ok(201).json();
    assert_eq!(
        (&room["name"], &room["topic"], &room["my_role"]),
        (&json!("避難所"), &json!("北小学校"), &json!("admin"))
    );
    assert_eq!(room["member_count"], 2);
    let again = tanaka.call("POST", "/api/v1/rooms", &new).await.ok(200).json();
    assert_eq!(again["id"], room["id"]);

    let path = format!("/api/v1/rooms/{}", room["id"].as_str().unwrap());
    assert_eq!(house.suzuki.get(&path).await.ok(200).json()["my_role"], "member");
    let edited =
        house.suzuki.call("PATCH", &path, &json!({"topic": "南小学校", "purpose": "受付"})).await.ok(200).json();
    assert_eq!((&edited["topic"], &edited["purpose"]), (&json!("南小学校"), &json!("受付")));
    house.suzuki.call("PATCH", &path, &json!({"name": "別の名"})).await.refused(403, "forbidden");
    assert_eq!(tanaka.call("PATCH", &path, &json!({"name": "本部"})).await.ok(200).json()["name"], "本部");

    let member = format!("{path}/members/{}", house.id_of("takahashi"));
    assert_eq!(tanaka.call("PUT", &member, &json!({"role": "member"})).await.ok(201).json()["role"], "member");
    assert_eq!(tanaka.call("PUT", &member, &json!({"role": "admin"})).await.ok(200).json()["role"], "admin");
    let members = tanaka.get(&format!("{path}/members")).await.ok(200).json();
    assert_eq!(members["items"].as_array().unwrap().len(), 3);
    tanaka.bare("DELETE", &member).await.ok(204);
    house.takahashi.get(&path).await.refused(404, "not_found");

    let rooms = house.suzuki.get("/api/v1/rooms").await.ok(200).json();
    assert_eq!((&rooms["items"][0]["id"], &rooms["next"]), (&room["id"], &json!(null)));
}

#[tokio::test]
async fn a_message_is_posted_read_edited_stamped_and_redacted() {
    let house = House::new().await;
    let room = house.room("本部", &["suzuki"]).await;
    let (tanaka, suzuki) = (&house.tanaka, &house.suzuki);
    let messages = format!("/api/v1/rooms/{room}/messages");
    let first = id();
    let body = json!({"text": "  停電です \n", "urgent": true, "mentions": [house.id_of("suzuki")]});
    let posted = tanaka.call("PUT", &format!("{messages}/{first}"), &body).await.ok(201).json();
    assert_eq!((&posted["id"], &posted["text"], &posted["urgent"]), (&json!(first), &json!("停電です"), &json!(true)));
    assert_eq!((&posted["my_own"], &posted["arrived"], &posted["offices"]), (&json!(true), &json!(1), &json!(1)));
    assert_eq!(posted["mentions"][0]["id"], house.id_of("suzuki"));
    let repeat = tanaka.call("PUT", &format!("{messages}/{first}"), &body).await.ok(200).json();
    assert_eq!(repeat["sent_at"], posted["sent_at"]);

    let reply = id();
    let answer = json!({"text": "了解", "reply_to": first});
    let replied = suzuki.call("PUT", &format!("{messages}/{reply}"), &answer).await.ok(201).json();
    assert_eq!((&replied["reply_to"]["id"], &replied["reply_to"]["excerpt"]), (&json!(first), &json!("停電です")));

    let page = suzuki.get(&messages).await.ok(200).json();
    let ids = |page: &serde_json::Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let texts =
        |page: &serde_json::Value| ids(page).into_iter().filter(|id| *id == first || *id == reply).collect::<Vec<_>>();
    assert_eq!(texts(&page), [first.clone(), reply.clone()], "newest last");
    let newest = suzuki.get(&format!("{messages}?limit=1")).await.ok(200).json();
    assert_eq!(ids(&newest), [reply.as_str()]);
    let before = newest["next"].as_str().unwrap();
    let older = suzuki.get(&format!("{messages}?limit=1&before={before}")).await.ok(200).json();
    assert_eq!(ids(&older), [first.as_str()]);
    let after = older["previous"].as_str().unwrap();
    assert_eq!(ids(&suzuki.get(&format!("{messages}?limit=1&after={after}")).await.ok(200).json()), [reply.as_str()]);
    assert!(ids(&suzuki.get(&format!("{messages}?around={first}")).await.ok(200).json()).contains(&reply));

    suzuki.call("PUT", &format!("/api/v1/rooms/{room}/read"), &json!({"message": reply})).await.ok(204);
    let receipts = tanaka.get(&format!("{messages}/{first}/receipts")).await.ok(200).json();
    assert_eq!(receipts["read"][0]["user"]["id"], house.id_of("suzuki"));
    assert_eq!((receipts["arrived"].as_array().unwrap().len(), &receipts["missing"]), (1, &json!([])));

    suzuki.bare("PUT", &format!("{messages}/{first}/reactions/ryokai")).await.ok(204);
    let stamped = tanaka.get(&format!("{messages}?around={first}")).await.ok(200).json();
    let message = |page: &serde_json::Value, id: &str| {
        page["items"].as_array().unwrap().iter().find(|item| item["id"] == *id).unwrap().clone()
    };
    assert_eq!(message(&stamped, &first)["reactions"][0]["stamp"], "ryokai");
    suzuki.bare("DELETE", &format!("{messages}/{first}/reactions/ryokai")).await.ok(204);

    let edited =
        tanaka.call("PATCH", &format!("{messages}/{first}"), &json!({"text": "復電しました"})).await.ok(200).json();
    assert!(edited["text"] == "復電しました" && !edited["edited_at"].is_null());
    suzuki.call("PATCH", &format!("{messages}/{first}"), &json!({"text": "x"})).await.refused(403, "forbidden");
    suzuki.bare("DELETE", &format!("{messages}/{first}")).await.refused(403, "forbidden");
    tanaka.bare("DELETE", &format!("{messages}/{reply}")).await.ok(204);
    let redacted = message(&tanaka.get(&messages).await.ok(200).json(), &reply);
    assert!(redacted["text"] == "" && redacted["redacted"]["by"]["id"] == house.id_of("tanaka"), "{redacted}");
    assert!(
        redacted["reactions"] == json!([])
            && message(&tanaka.get(&messages).await.ok(200).json(), &first)["reactions"] == json!([])
    );
}

#[tokio::test]
async fn supervisors_and_programs_are_told_how_it_is() {
    let house = House::new().await;
    let nobody = house.nobody();
    assert_eq!(nobody.get("/livez").await.ok(200).json()["alive"], true);
    let ready = nobody.get("/readyz").await;
    if ready.status == 200 {
        assert_eq!(ready.json(), json!({"ready": true, "storage": "ok", "app": true}));
    } else {
        ready.refused(503, "app_missing");
    }
    house.tanaka.get("/api/v1/rooms").await.ok(200);
    let figures = nobody.get("/metrics").await.ok(200);
    assert!(figures.header("content-type").unwrap().starts_with("text/plain"));
    let description = nobody.get("/api/v1/openapi.json").await.ok(200).json();
    assert_eq!(description["openapi"], "3.1.0");
    assert!(description["paths"]["/api/v1/rooms/{room}/messages/{message}"]["put"].is_object());
}

#[tokio::test]
async fn figures_are_for_this_machine_and_for_administrators() {
    let house = House::new().await;
    // As a page of another site would reach us, by a name of its own that points here.
    let foreign = |token: Option<&str>| {
        let mut request = "GET /metrics HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n".to_owned();
        if let Some(token) = token {
            request += &format!("authorization: Bearer {token}\r\n");
        }
        request + "\r\n"
    };
    for (token, status) in
        [(None, "401"), (house.tanaka.token.as_deref(), "403"), (house.kanri.token.as_deref(), "200")]
    {
        let answer = crate::http::exchange(house.address, foreign(token).as_bytes()).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn a_figure_names_routes_and_never_ids() {
    let house = House::new().await;
    let room = house.room("本部", &[]).await;
    house.tanaka.get(&format!("/api/v1/rooms/{room}")).await.ok(200);
    let figures = house.nobody().get("/metrics").await.ok(200).text();
    assert!(!figures.contains(&room), "{figures}");
}
