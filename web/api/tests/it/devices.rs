//! Devices as people live with them: a code handed over, a phone enrolled, locked, lost, stopped and found again.

use std::collections::HashSet;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::house::House;
use crate::http::{Caller, soon};
use crate::socket::Socket;

/// Enough for what the house promises: a stopped device is out within a second.
const SECOND: Duration = Duration::from_secs(1);

pub async fn unlock(house: &House) {
    house.seal_key();
    house.kanri.call("POST", "/api/v1/console", &json!({"password": House::PASSWORD})).await.ok(200);
}

async fn require_devices(house: &House) {
    unlock(house).await;
    let mut policy = house.kanri.get("/api/v1/policy").await.ok(200).json();
    policy["require_devices"] = json!(true);
    house.kanri.call("PUT", "/api/v1/policy", &policy).await.ok(200);
}

async fn code_for(house: &House, name: &str) -> String {
    let body = json!({"user": house.id_of(name)});
    let issued = house.kanri.call("POST", "/api/v1/device-codes", &body).await.ok(201).json();
    assert!(issued["qr_svg"].as_str().unwrap().starts_with("<svg"));
    issued["code"].as_str().unwrap().to_owned()
}

fn log_in_body(house: &House, name: &str, more: &Value) -> Value {
    let mut body = json!({"login": house.login_of(name), "password": House::PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn enrol(house: &House, name: &str) -> (Caller, Value) {
    let (phone, session) = enrol_without_passcode(house, name).await;
    set_passcode(&phone).await;
    (phone, session)
}

pub async fn set_passcode(phone: &Caller) {
    phone.call("PUT", "/api/v1/session/passcode", &json!({"passcode": "408271"})).await.ok(204);
}

/// As a phone is at first: it has to be given a passcode before it can do anything.
pub async fn enrol_without_passcode(house: &House, name: &str) -> (Caller, Value) {
    enrol_with_key(house, name, None).await
}

pub async fn enrol_with_key(house: &House, name: &str, key: Option<&[u8]>) -> (Caller, Value) {
    let code = code_for(house, name).await;
    let key = key.map(|key| BASE64URL_NOPAD.encode(key));
    let more = json!({"device_code": code, "device_name": "スマートフォン", "device_key": key});
    let body = log_in_body(house, name, &more);
    let session = house.nobody().call("POST", "/api/v1/session", &body).await.ok(201).json();
    (house.caller(session["token"].as_str().unwrap()), session)
}

#[tokio::test]
async fn a_phone_is_enrolled_by_code_and_known_afterwards() {
    let house = House::new().await;
    require_devices(&house).await;
    let nobody = house.nobody();
    let plain = log_in_body(&house, "tanaka", &json!({}));
    nobody.call("POST", "/api/v1/session", &plain).await.refused(403, "device_code_required");
    // Only whoever knows the password learns that a code is needed.
    let wrong = json!({"login": house.login_of("tanaka"), "password": "wrong"});
    nobody.call("POST", "/api/v1/session", &wrong).await.refused(401, "wrong_credentials");

    let code = code_for(&house, "tanaka").await;
    assert_eq!(code.len(), 11);
    let typed = code.replace('-', " ").to_lowercase();
    let body = log_in_body(&house, "tanaka", &json!({"device_code": typed, "device_name": "青い電話"}));
    let reply = nobody.call("POST", "/api/v1/session", &body).await.ok(201);
    let session = reply.json();
    assert_eq!((&session["device"]["enrolled"], &session["device"]["name"]), (&json!(true), &json!("青い電話")));
    let cookies = reply.headers.iter().filter(|(name, _)| name == "set-cookie");
    let secret = session["device_secret"].as_str().unwrap();
    assert!(cookies.map(|(_, value)| value).any(|value| value.contains(&format!(".{secret};"))));

    // The code is used up; the device is known by its secret, and by nothing else.
    nobody.call("POST", "/api/v1/session", &body).await.refused(403, "wrong_device_code");
    let device = &session["device"]["id"];
    let known = log_in_body(&house, "tanaka", &json!({"device": device, "device_secret": secret}));
    let again = nobody.call("POST", "/api/v1/session", &known).await.ok(201).json();
    assert_eq!((&again["device"]["id"], &again["device_secret"]), (device, &Value::Null));
    for stolen in [json!({"device": device}), json!({"device": device, "device_secret": "A".repeat(43)})] {
        let body = log_in_body(&house, "tanaka", &stolen);
        nobody.call("POST", "/api/v1/session", &body).await.refused(403, "device_code_required");
    }
}

#[tokio::test]
async fn fifty_parallel_redemptions_of_one_code_give_one_device() {
    let house = House::new().await;
    let code = code_for(&house, "tanaka").await;
    let attempts = (0..50).map(|_| async {
        house
            .node
            .log_in_with(noroshi_node::Credentials {
                login: house.login_of("tanaka").to_owned(),
                password: House::PASSWORD.to_owned(),
                device_code: Some(code.clone()),
                ..Default::default()
            })
            .await
    });
    let results = futures_util::future::join_all(attempts).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let devices = house.tanaka.get("/api/v1/devices").await.ok(200).json();
    assert_eq!(devices["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn codes_are_for_one_person_and_newer_ones_replace_older_ones() {
    let house = House::new().await;
    let first = code_for(&house, "tanaka").await;
    let second = code_for(&house, "tanaka").await;
    let for_suzuki = code_for(&house, "suzuki").await;
    let nobody = house.nobody();
    for code in [&first, &for_suzuki, "ABCDE-FGHJK", "あいうえお", ""] {
        if code.is_empty() {
            continue;
        }
        let body = log_in_body(&house, "tanaka", &json!({"device_code": code}));
        nobody.call("POST", "/api/v1/session", &body).await.refused(403, "wrong_device_code");
    }
    let body = log_in_body(&house, "tanaka", &json!({"device_code": second}));
    nobody.call("POST", "/api/v1/session", &body).await.ok(201);
}

#[tokio::test]
async fn codes_cannot_be_guessed() {
    let house = House::new().await;
    code_for(&house, "tanaka").await;
    let mut refusals = Vec::new();
    for number in 0..12 {
        let body = log_in_body(&house, "tanaka", &json!({"device_code": format!("ABCDE-FGH{number:02}")}));
        refusals.push(house.nobody().call("POST", "/api/v1/session", &body).await.status);
    }
    assert_eq!(refusals[..10], [403; 10]);
    assert_eq!(refusals[10..], [429; 2]);
}

#[tokio::test]
async fn the_head_of_a_section_asks_and_an_administrator_answers() {
    let house = House::new().await;
    let ask = json!({"user": house.id_of("suzuki"), "reason": "災害当番のため"});
    let asked = house.tanaka.call("POST", "/api/v1/device-requests", &ask).await.ok(201).json();
    assert_eq!((&asked["state"], &asked["reason"]), (&json!("open"), &json!("災害当番のため")));
    // Asking twice is asking once.
    let again = house.tanaka.call("POST", "/api/v1/device-requests", &ask).await.ok(201).json();
    assert_eq!(again["id"], asked["id"]);
    let seen = |caller: &Caller| {
        let caller = caller.clone();
        async move { caller.get("/api/v1/device-requests?state=open").await.ok(200).json()["items"].clone() }
    };
    assert_eq!(seen(&house.kanri).await.as_array().unwrap().len(), 1);
    assert_eq!(seen(&house.takahashi).await, json!([]));
    let issue = json!({"user": house.id_of("suzuki"), "request": asked["id"]});
    house.kanri.call("POST", "/api/v1/device-codes", &issue).await.ok(201);
    assert_eq!(seen(&house.kanri).await, json!([]));
    house.kanri.call("POST", "/api/v1/device-codes", &issue).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_lost_phone_is_out_within_a_second_and_its_owner_is_not() {
    let house = House::new().await;
    unlock(&house).await;
    let (phone, session) = enrol(&house, "tanaka").await;
    let (mut socket, _) = Socket::open(&phone, None).await;
    let (mut desk, _) = Socket::open(&house.tanaka, None).await;
    // An upload that is under way: a body of which only the beginning has come.
    let slow = {
        let phone = phone.clone();
        tokio::spawn(async move {
            let head = format!(
                "POST /api/v1/rooms HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{{\"name\":",
                phone.address,
                phone.token.clone().unwrap()
            );
            crate::http::exchange(phone.address, head.as_bytes()).await
        })
    };
    house.node.authenticate(phone.token.as_deref().unwrap()).await.unwrap();

    let device = session["device"]["id"].as_str().unwrap();
    let path = format!("/api/v1/devices/{device}/suspension");
    house.suzuki.call("POST", &path, &json!({"reason": "盗みます"})).await.refused(404, "not_found");
    let started = std::time::Instant::now();
    let stopped = house.kanri.call("POST", &path, &json!({"reason": "紛失"})).await.ok(201).json();
    assert_eq!((&stopped["state"], &stopped["suspended"]["reason"]), (&json!("suspended"), &json!("紛失")));
    let close = loop {
        match soon("the end of the socket", socket.next_or_close()).await {
            Ok(_) => {}
            Err(close) => break close.expect("a reason"),
        }
    };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (1008, "suspended"));
    assert!(started.elapsed() < SECOND, "{:?}", started.elapsed());
    let answer = soon("the end of the upload", slow).await.unwrap();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 40"), "{}", String::from_utf8_lossy(&answer));

    phone.get("/api/v1/me").await.refused(401, "unauthenticated");
    let secret = session["device_secret"].clone();
    // The browser, which sends its device with everything, is told why, so that it can forget what it holds.
    let cookie = format!(
        "noroshi_{0}={1}; noroshi_device_{0}={device}.{2}",
        house.short,
        phone.token.as_deref().unwrap(),
        secret.as_str().unwrap()
    );
    let told = house.nobody().send("GET", "/api/v1/me", &[("cookie", &cookie)], b"").await;
    told.refused(403, "device_suspended");
    let body = log_in_body(&house, "tanaka", &json!({"device": device, "device_secret": secret}));
    house.nobody().call("POST", "/api/v1/session", &body).await.refused(403, "device_suspended");
    // The person works on at the desk.
    house.tanaka.get("/api/v1/me").await.ok(200);
    desk.say(&json!({"type": "ping"})).await;
    assert_eq!(desk.next().await["type"], "pong");

    // Found again: only with a signature.
    house.takahashi.bare("DELETE", &path).await.refused(403, "forbidden");
    house.kanri.bare("DELETE", &path).await.ok(204);
    house.nobody().call("POST", "/api/v1/session", &body).await.ok(201);
}

#[tokio::test]
async fn a_stopped_person_is_out_and_can_do_nothing_until_let_in_again() {
    let house = House::new().await;
    unlock(&house).await;
    let (mut socket, _) = Socket::open(&house.tanaka, None).await;
    let path = format!("/api/v1/people/{}/suspension", house.id_of("tanaka"));
    house.kanri.call("POST", &path, &json!({"reason": "調査中"})).await.ok(201);
    while socket.next_or_close().await.is_ok() {}
    house.tanaka.get("/api/v1/me").await.refused(401, "unauthenticated");
    let body = log_in_body(&house, "tanaka", &json!({}));
    house.nobody().call("POST", "/api/v1/session", &body).await.refused(403, "user_suspended");
    let people = house.kanri.get("/api/v1/people?state=suspended").await.ok(200).json();
    assert_eq!(people["items"][0]["suspended"]["reason"], "調査中");
    house.kanri.bare("DELETE", &path).await.ok(204);
    house.nobody().call("POST", "/api/v1/session", &body).await.ok(201);
    // Nobody stops themselves, and one administrator alone does not stop another.
    let own = format!("/api/v1/people/{}/suspension", house.id_of("kanri"));
    house.kanri.call("POST", &own, &json!({})).await.refused(403, "forbidden");
}

#[tokio::test]
async fn who_may_stop_nobody_uses_up_nothing() {
    let house = House::new().await;
    let path = format!("/api/v1/people/{}/suspension", house.id_of("tanaka"));
    for _ in 0..40 {
        house.suzuki.call("POST", &path, &json!({"reason": "嫌がらせ"})).await.refused(403, "forbidden");
    }
    house.kanri.call("POST", &path, &json!({"reason": "紛失"})).await.ok(201);
}

#[tokio::test]
async fn the_screen_is_locked_and_ten_wrong_passcodes_stop_the_device() {
    let house = House::new().await;
    let (phone, session) = enrol_without_passcode(&house, "tanaka").await;
    assert_eq!(phone.get("/api/v1/me").await.ok(200).json()["passcode"], json!({"set": false, "required": true}));
    house.tanaka.bare("POST", "/api/v1/session/lock").await.refused(403, "no_passcode");
    let set = |new: &str, current: Option<&str>| json!({"passcode": new, "current": current});
    phone.call("PUT", "/api/v1/session/passcode", &set("123456", None)).await.refused(422, "too_simple");
    phone.call("PUT", "/api/v1/session/passcode", &set("12a456", None)).await.refused(422, "not_digits");
    phone.call("PUT", "/api/v1/session/passcode", &set("４０８２７１", None)).await.ok(204);
    phone.call("PUT", "/api/v1/session/passcode", &set("993120", None)).await.refused(403, "wrong_passcode");

    let (mut socket, _) = Socket::open(&phone, None).await;
    phone.bare("POST", "/api/v1/session/lock").await.ok(204);
    let close = loop {
        match socket.next_or_close().await {
            Ok(_) => {}
            Err(close) => break close.expect("a reason"),
        }
    };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (4001, "locked"));
    phone.get("/api/v1/rooms").await.refused(403, "locked");
    assert_eq!(phone.get("/api/v1/me").await.ok(200).json()["locked"], true);
    phone.call("POST", "/api/v1/session/unlock", &json!({"passcode": "408 271"})).await.ok(204);
    phone.get("/api/v1/rooms").await.ok(200);

    // Unlocking forgave the earlier mistake; ten in a row do not end well.
    phone.bare("POST", "/api/v1/session/lock").await.ok(204);
    for left in (1..10).rev() {
        let reply = phone.call("POST", "/api/v1/session/unlock", &json!({"passcode": "111222"})).await;
        reply.refused(403, "wrong_passcode");
        assert_eq!(reply.json()["left"], left);
    }
    let last = phone.call("POST", "/api/v1/session/unlock", &json!({"passcode": "111222"})).await;
    last.refused(403, "device_suspended");
    phone.call("POST", "/api/v1/session/unlock", &json!({"passcode": "408271"})).await.refused(401, "unauthenticated");
    let devices = house.tanaka.get("/api/v1/devices").await.ok(200).json();
    assert_eq!(devices["items"][0]["state"], "suspended");
    assert_eq!(devices["items"][0]["id"], session["device"]["id"]);
}

#[tokio::test]
async fn parallel_guesses_of_a_passcode_are_all_counted() {
    let house = House::new().await;
    let (phone, _) = enrol(&house, "tanaka").await;
    phone.bare("POST", "/api/v1/session/lock").await.ok(204);
    let guesses = (0..30).map(|number| {
        let phone = phone.clone();
        async move {
            let guess = json!({"passcode": format!("{:06}", 500_000 + number * 7)});
            phone.call("POST", "/api/v1/session/unlock", &guess).await
        }
    });
    let replies = futures_util::future::join_all(guesses).await;
    let counted: HashSet<u64> = replies.iter().filter_map(|reply| reply.json()["left"].as_u64()).collect();
    assert!(counted.len() <= 9 && replies.iter().all(|reply| reply.status != 204));
    phone.call("POST", "/api/v1/session/unlock", &json!({"passcode": "408271"})).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn signing_needs_the_key_and_the_key_needs_the_password() {
    let house = House::new().await;
    let policy = house.kanri.get("/api/v1/policy").await.ok(200).json();
    house.kanri.call("PUT", "/api/v1/policy", &policy).await.refused(403, "console_locked");
    let password = json!({"password": House::PASSWORD});
    house.kanri.call("POST", "/api/v1/console", &password).await.refused(403, "no_key_here");
    house.seal_key();
    house.kanri.call("POST", "/api/v1/console", &json!({"password": "wrong"})).await.refused(403, "wrong_password");
    let console = house.kanri.call("POST", "/api/v1/console", &password).await.ok(200).json();
    assert!(console["key_here"] == true && console["unlocked_until"].is_string());
    house.kanri.call("PUT", "/api/v1/policy", &policy).await.ok(200);
    // Another browser of the same person has to unlock for itself.
    let token = house.node.log_in(house.login_of("kanri"), House::PASSWORD, None).await.unwrap().token;
    house.caller(&token).call("PUT", "/api/v1/policy", &policy).await.refused(403, "console_locked");
    house.kanri.bare("DELETE", "/api/v1/console").await.ok(204);
    house.kanri.call("PUT", "/api/v1/policy", &policy).await.refused(403, "console_locked");
}

#[tokio::test]
async fn people_posts_and_rules_are_administered() {
    let house = House::new().await;
    unlock(&house).await;
    let office = house.kanri.get("/api/v1/offices").await.ok(200).json()["items"][0]["id"].clone();
    let new = json!({"login": "mori", "name": "森 花", "kana": "もり はな", "office": office, "number": "0042",
        "valid_until": "2099-03-31"});
    let made = house.kanri.call("POST", "/api/v1/people", &new).await.ok(201).json();
    let password = made["initial_password"].as_str().unwrap();
    let body = json!({"login": "mori", "password": password});
    house.nobody().call("POST", "/api/v1/session", &body).await.ok(201);
    house.kanri.call("POST", "/api/v1/people", &new).await.refused(422, "login_taken");
    let path = format!("/api/v1/people/{}", made["id"].as_str().unwrap());
    let ended = house.kanri.call("PATCH", &path, &json!({"valid_until": "2020-03-31"})).await.ok(200).json();
    assert_eq!(ended["valid_until"], "2020-03-31T00:00:00+09:00");
    house.nobody().call("POST", "/api/v1/session", &body).await.refused(403, "account_ended");
    house.kanri.call("PATCH", &path, &json!({"valid_until": ""})).await.ok(200);
    let reset = house.kanri.bare("POST", &format!("{path}/password")).await.ok(200).json();
    assert_ne!(reset["initial_password"], password);
    house.nobody().call("POST", "/api/v1/session", &body).await.refused(401, "wrong_credentials");

    let post = json!({"name": "避難所班", "kind": "team", "office": office, "holders": [made["id"]],
        "deputies": [house.id_of("tanaka"), house.id_of("suzuki")]});
    let post = house.kanri.call("POST", "/api/v1/posts", &post).await.ok(201).json();
    let posts = house.suzuki.get("/api/v1/posts").await.ok(200).json();
    assert_eq!(posts["items"], json!([post]));
    house.kanri.bare("DELETE", &format!("/api/v1/posts/{}", post["id"].as_str().unwrap())).await.ok(204);
    assert_eq!(house.suzuki.get("/api/v1/posts").await.ok(200).json()["items"], json!([]));

    let rules =
        house.kanri.call("PUT", "/api/v1/rules", &json!({"text": "一、目的外に使わない。"})).await.ok(200).json();
    assert_eq!(house.suzuki.get("/api/v1/me").await.ok(200).json()["rules"]["accepted"], false);
    let accept = json!({"version": rules["version"]});
    house.suzuki.call("POST", "/api/v1/rules/acceptance", &accept).await.ok(204);
    assert_eq!(house.suzuki.get("/api/v1/me").await.ok(200).json()["rules"]["accepted"], true);
    assert_eq!(house.kanri.get("/api/v1/rules").await.ok(200).json()["accepted"], 1);
}
