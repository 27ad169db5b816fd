//! Who may call what: every call of the contract, asked by everybody, against one table.

use std::collections::BTreeSet;

use noroshi_provisioning::Role;

use crate::house::House;
use crate::ids::id;

/// A call and the answers to: nobody · an outsider · a member of the room · a drill controller · an office administrator ·
/// a system administrator. The room in the paths is the member's alone; the person is of another office.
///
/// `.` 401, log in first · `-` 403, not your right · `?` 404, there is no such thing for you · `+` let in
#[rustfmt::skip]
pub const TABLE: &[(&str, &str, &str)] = &[
    ("GET",    "/livez",                                                       "++++++"),
    ("GET",    "/readyz",                                                      "++++++"),
    ("GET",    "/api/v1/node",                                                 "++++++"),
    ("GET",    "/api/v1/openapi.json",                                         "++++++"),
    ("POST",   "/api/v1/session",                                              "++++++"),
    ("GET",    "/api/v1/me",                                                   ".+++++"),
    ("PUT",    "/api/v1/me/password",                                          ".+++++"),
    ("POST",   "/api/v1/session/lock",                                         ".+++++"),
    ("POST",   "/api/v1/session/unlock",                                       ".+++++"),
    ("PUT",    "/api/v1/session/passcode",                                     ".+++++"),
    ("GET",    "/api/v1/peers",                                                ".+++++"),
    ("GET",    "/api/v1/peers/cuts",                                           ".+++++"),
    ("GET",    "/api/v1/peers/map",                                            ".+++++"),
    ("PUT",    "/api/v1/peers/{node}/link",                                    ".--+++"),
    ("GET",    "/api/v1/events",                                               ".+++++"),
    // rooms: the administrators are no members, and to them there is no such room
    ("GET",    "/api/v1/rooms",                                                ".+++++"),
    ("POST",   "/api/v1/rooms",                                                ".+++++"),
    ("GET",    "/api/v1/rooms/{room}",                                         ".?+???"),
    ("PATCH",  "/api/v1/rooms/{room}",                                         ".?+???"),
    ("GET",    "/api/v1/rooms/{room}/members",                                 ".?+???"),
    ("PUT",    "/api/v1/rooms/{room}/members/{user}",                          ".?+???"),
    ("DELETE", "/api/v1/rooms/{room}/members/{user}",                          ".?????"), // not a member
    ("GET",    "/api/v1/rooms/{room}/messages",                                ".?+???"),
    ("PUT",    "/api/v1/rooms/{room}/messages/{message}",                      ".?+???"),
    ("PATCH",  "/api/v1/rooms/{room}/messages/{message}",                      ".?+???"),
    ("DELETE", "/api/v1/rooms/{room}/messages/{message}",                      ".?????"), // no such message
    ("PUT",    "/api/v1/rooms/{room}/messages/{message}/reactions/{stamp}",    ".?????"),
    ("DELETE", "/api/v1/rooms/{room}/messages/{message}/reactions/{stamp}",    ".?????"),
    ("PUT",    "/api/v1/rooms/{room}/read",                                    ".?+???"),
    ("GET",    "/api/v1/rooms/{room}/messages/{message}/receipts",             ".?????"),
    ("POST",   "/api/v1/attachments",                                          ".+++++"),
    ("GET",    "/api/v1/attachments/{hash}",                                   ".?????"), // no such file
    ("POST",   "/api/v1/attachments/{hash}/fetch",                             ".?????"),
    ("DELETE", "/api/v1/attachments/{hash}/fetch",                             ".?????"),
    // the organisation as everybody sees it
    ("GET",    "/api/v1/users",                                                ".+++++"),
    ("GET",    "/api/v1/offices",                                              ".+++++"),
    ("GET",    "/api/v1/posts",                                                ".+++++"),
    ("GET",    "/api/v1/policy",                                               ".+++++"),
    ("GET",    "/api/v1/rules",                                                ".?????"), // there are none yet
    ("POST",   "/api/v1/rules/acceptance",                                     ".+++++"),
    // devices: whose they are is asked inside
    ("GET",    "/api/v1/devices",                                              ".+++++"),
    ("POST",   "/api/v1/devices/{device}/suspension",                          ".?????"), // no such device
    ("DELETE", "/api/v1/devices/{device}/suspension",                          ".----?"),
    ("GET",    "/api/v1/device-requests",                                      ".+++++"),
    ("POST",   "/api/v1/device-requests",                                      ".+++++"),
    ("POST",   "/api/v1/device-requests/{request}/decline",                    ".---??"),
    ("POST",   "/api/v1/device-codes",                                         ".---++"),
    // people: those of another office are none of an office administrator's business
    ("GET",    "/api/v1/people",                                               ".---++"),
    ("POST",   "/api/v1/people",                                               ".----+"),
    ("GET",    "/api/v1/people/{user}",                                        ".----+"),
    ("PATCH",  "/api/v1/people/{user}",                                        ".----+"),
    ("POST",   "/api/v1/people/{user}/password",                               ".----+"),
    ("PUT",    "/api/v1/people/{user}/roles/{role}",                           ".----+"),
    ("DELETE", "/api/v1/people/{user}/roles/{role}",                           ".----+"),
    ("POST",   "/api/v1/people/{user}/suspension",                             ".----+"),
    ("DELETE", "/api/v1/people/{user}/suspension",                             ".----+"),
    ("GET",    "/api/v1/imports",                                              ".----+"),
    ("POST",   "/api/v1/imports",                                              ".----+"),
    ("GET",    "/api/v1/imports/{import}",                                     ".----?"),
    ("POST",   "/api/v1/imports/{import}/apply",                               ".----+"),
    ("POST",   "/api/v1/imports/{import}/undo",                                ".----+"),
    // administration
    ("GET",    "/api/v1/console",                                              ".+++++"),
    ("POST",   "/api/v1/console",                                              ".----+"),
    ("DELETE", "/api/v1/console",                                              ".+++++"),
    ("GET",    "/api/v1/administrator-keys",                                        ".----+"),
    ("POST",   "/api/v1/administrator-keys",                                        ".----+"),
    ("POST",   "/api/v1/administrator-keys/restoration",                            ".----+"),
    ("POST",   "/api/v1/administrator-keys/{key}/approval",                         ".----+"),
    ("DELETE", "/api/v1/administrator-keys/{key}",                                  ".----+"),
    ("POST",   "/api/v1/posts",                                                ".---++"),
    ("PUT",    "/api/v1/posts/{post}",                                         ".---++"),
    ("DELETE", "/api/v1/posts/{post}",                                         ".---??"),
    ("POST",   "/api/v1/offices",                                              ".----+"),
    ("PATCH",  "/api/v1/offices/{office}",                                     ".----+"),
    ("GET",    "/api/v1/offices/{office}/roaming",                                  ".----?"),
    ("PUT",    "/api/v1/offices/{office}/roaming",                                  ".----+"),
    ("GET",    "/api/v1/nodes",                                                ".---++"),
    ("POST",   "/api/v1/nodes/{node}/revocation",                              ".----+"),
    ("GET",    "/api/v1/invitations",                                          ".----+"),
    ("POST",   "/api/v1/invitations",                                          ".----+"),
    ("DELETE", "/api/v1/invitations/{invitation}",                             ".----+"),
    ("GET",    "/api/v1/usage",                                                ".---++"),
    ("GET",    "/api/v1/audit",                                                ".---++"),
    ("PUT",    "/api/v1/policy",                                               ".----+"),
    ("PUT",    "/api/v1/rules",                                                ".----+"),
    ("GET",    "/api/v1/rooms/{room}/erasures",                                ".----+"),
    ("POST",   "/api/v1/rooms/{room}/erasures",                                ".----+"),
    ("POST",   "/api/v1/rooms/{room}/page/renewal",                            ".----+"),
];

/// Asked in tests of their own: these two end what the others need, this one never ends, and this one is for programs of
/// the same machine.
const ELSEWHERE: &[(&str, &str)] =
    &[("DELETE", "/api/v1/session"), ("GET", "/api/v1/events/stream"), ("GET", "/metrics")];

#[tokio::test]
async fn every_call_is_open_to_whom_the_table_says() {
    let house = House::new().await;
    let room = house.room("鍵のかかった部屋", &[]).await;
    let foreigner = house.add_foreigner().await;
    house.grant("takahashi", Role::OfficeAdmin).await;
    house.grant("suzuki", Role::DrillController).await;
    let outsider = house.add_colleague("outsider").await;
    let nobody = house.nobody();
    let callers = [&nobody, &outsider, &house.tanaka, &house.suzuki, &house.takahashi, &house.kanri];

    let mut wrong = Vec::new();
    for (method, pattern, expected) in TABLE {
        let node = if pattern.ends_with("revocation") { "ab".repeat(32) } else { "all".to_owned() };
        let path = pattern.replace("{room}", &room).replace("{user}", &foreigner).replace("{stamp}", "ryokai");
        let path = path.replace("{hash}", &"ab".repeat(32));
        let mut path = path.replace("{role}", "staff").replace("{node}", &node);
        for name in ["key", "message", "device", "request", "import", "post", "office", "invitation"] {
            path = path.replace(&format!("{{{name}}}"), &id());
        }
        let mut answers = String::new();
        for caller in callers {
            // A body that says nothing: whoever is let in is told so, and nothing happens.
            let reply = match *method {
                "GET" | "DELETE" => caller.bare(method, &path).await,
                _ if pattern.contains("/reactions/") => caller.bare(method, &path).await,
                _ => caller.call(method, &path, &serde_json::json!({})).await,
            };
            answers.push(match reply.status {
                401 if !reply.text().contains("wrong_credentials") => '.',
                404 => '?',
                403 if reply.json()["code"] == "forbidden" => '-',
                _ => '+',
            });
        }
        if answers != *expected {
            wrong.push(format!("{method} {pattern}: {answers} instead of {expected}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_table_has_every_call() {
    let house = House::new().await;
    let description = house.nobody().get("/api/v1/openapi.json").await.json();
    let calls: BTreeSet<(String, String)> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())))
        .collect();
    let lines = TABLE.iter().map(|(method, path, _)| (*method, *path)).chain(ELSEWHERE.iter().copied());
    let lines: BTreeSet<(String, String)> = lines.map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(calls, lines);
}
