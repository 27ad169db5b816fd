//! Where the organisation wants a passcode, a device without one does nothing but get one.

use serde_json::json;

use crate::devices::{enrol_without_passcode, set_passcode, unlock};
use crate::house::House;
use crate::ids::id;
use crate::rights::TABLE;
use crate::socket::Socket;

/// The calls that lead to a passcode, and those that need no log-in.
const OPEN: &[(&str, &str)] = &[
    ("PUT", "/api/v1/session/passcode"),
    ("GET", "/api/v1/me"),
    ("GET", "/api/v1/rules"),
    ("POST", "/api/v1/rules/acceptance"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/api/v1/node"),
    ("GET", "/api/v1/openapi.json"),
    ("POST", "/api/v1/session"),
];

#[tokio::test]
async fn every_other_call_is_refused_until_it_is_set() {
    let house = House::new().await;
    let room = house.room("本部", &[]).await;
    let (phone, _) = enrol_without_passcode(&house, "tanaka").await;
    let mut wrong = Vec::new();
    for (method, pattern, _) in TABLE {
        let mut path = pattern.replace("{room}", &room).replace("{stamp}", "ryokai").replace("{role}", "staff");
        path = path.replace("{node}", "all").replace("{user}", &house.id_of("tanaka"));
        for name in ["key", "message", "device", "request", "import", "post", "office", "invitation"] {
            path = path.replace(&format!("{{{name}}}"), &id());
        }
        let reply = match *method {
            "GET" | "DELETE" => phone.bare(method, &path).await,
            _ => phone.call(method, &path, &json!({})).await,
        };
        let refused = reply.status == 403 && reply.json()["code"] == "passcode_required";
        if refused == OPEN.contains(&(method, pattern)) {
            wrong.push(format!("{method} {pattern}: {}", reply.status));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    phone.bare("GET", "/api/v1/events/stream").await.refused(403, "passcode_required");
    let protocol = format!("noroshi, bearer.{}", phone.token.as_deref().unwrap());
    let socket = Socket::try_open(phone.address, "", &[("sec-websocket-protocol", &protocol)]).await;
    assert_eq!(socket.err(), Some(403));
    // The desk, which is no enrolled device, is not asked.
    house.tanaka.get("/api/v1/rooms").await.ok(200);

    set_passcode(&phone).await;
    phone.get("/api/v1/rooms").await.ok(200);
    Socket::open(&phone, None).await;
    phone.bare("DELETE", "/api/v1/session").await.ok(204);
}

#[tokio::test]
async fn whoever_has_none_can_still_log_out() {
    let house = House::new().await;
    let (phone, _) = enrol_without_passcode(&house, "tanaka").await;
    phone.bare("DELETE", "/api/v1/session").await.ok(204);
    phone.get("/api/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn an_organisation_that_wants_none_asks_for_none() {
    let house = House::new().await;
    unlock(&house).await;
    let (phone, _) = enrol_without_passcode(&house, "tanaka").await;
    phone.get("/api/v1/rooms").await.refused(403, "passcode_required");
    let mut policy = house.kanri.get("/api/v1/policy").await.ok(200).json();
    policy["require_passcode"] = json!(false);
    house.kanri.call("PUT", "/api/v1/policy", &policy).await.ok(200);
    phone.get("/api/v1/rooms").await.ok(200);
    policy["require_passcode"] = json!(true);
    house.kanri.call("PUT", "/api/v1/policy", &policy).await.ok(200);
    phone.get("/api/v1/rooms").await.refused(403, "passcode_required");
}
