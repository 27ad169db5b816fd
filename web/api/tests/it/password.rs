//! Changing one's own password.

use noroshi_provisioning::KeyFolder;
use serde_json::{Value, json};

use crate::house::House;
use crate::http::{Caller, Reply};
use crate::socket::Socket;

const NEW: &str = "海沿いの道を歩いて帰る犬が二匹";
const NEWER: &str = "correct horse battery staple";

async fn change(caller: &Caller, current: &str, new: &str) -> Reply {
    caller.call("PUT", "/api/v1/me/password", &json!({"current": current, "new": new})).await
}

async fn log_in(house: &House, name: &str, password: &str) -> Reply {
    let body = json!({"login": house.login_of(name), "password": password});
    house.nobody().call("POST", "/api/v1/session", &body).await
}

#[tokio::test]
async fn the_new_password_is_in_force_and_only_this_session_goes_on() {
    let house = House::new().await;
    let token = log_in(&house, "tanaka", House::PASSWORD).await.ok(201).json()["token"].clone();
    let other = house.caller(token.as_str().unwrap());
    let (mut far, _) = Socket::open(&other, None).await;
    let (mut near, _) = Socket::open(&house.tanaka, None).await;
    change(&house.tanaka, House::PASSWORD, "犬二匹と歩く海沿いの長い帰り道").await.ok(200);
    let close = loop {
        match far.next_or_close().await {
            Ok(_) => {}
            Err(close) => break close.expect("a reason"),
        }
    };
    // Not «suspended»: a browser that is stopped forgets all it holds.
    assert_eq!((u16::from(close.code), close.reason.as_str()), (1008, "session_ended"));
    other.get("/api/v1/me").await.refused(401, "unauthenticated");
    house.tanaka.get("/api/v1/me").await.ok(200);
    near.say(&json!({"type": "ping"})).await;
    assert_eq!(near.next().await["type"], "pong");
    log_in(&house, "tanaka", House::PASSWORD).await.refused(401, "wrong_credentials");
    // However an input method writes it.
    log_in(&house, "tanaka", "犬二匹と歩く海沿いの長い帰り道").await.ok(201);
    // Others are not concerned.
    house.suzuki.get("/api/v1/me").await.ok(200);
}

#[tokio::test]
async fn each_new_password_that_is_not_accepted_has_its_reason() {
    let house = House::new().await;
    let login = house.login_of("tanaka").to_owned();
    for (new, code) in [
        ("", "password_too_short_alone"),
        ("fourteen chars", "password_too_short_alone"),
        ("ＦＯＵＲＴＥＥＮ　ｃｈａｒ", "password_too_short_alone"),
        (&"あ".repeat(43), "password_too_long"),
        (&"a long password ".repeat(13)[..200], "password_too_long"),
        ("fifteen\u{0}characters", "control_characters"),
        ("fifteen\ncharacters", "control_characters"),
        ("passwordpassword", "password_too_common"),
        ("1234567890123456", "password_too_common"),
        (House::PASSWORD, "password_too_short_alone"),
    ] {
        // More than ten: trying is not guessing, since the present one is right each time.
        change(&house.tanaka, House::PASSWORD, new).await.refused(422, code);
        change(&house.tanaka, House::PASSWORD, new).await.refused(422, code);
    }
    let wordy = json!({"current": House::PASSWORD, "new": NEW, "user": login});
    house.tanaka.call("PUT", "/api/v1/me/password", &wordy).await.refused(400, "malformed");
    for body in [json!({"new": NEW}), json!({"current": House::PASSWORD}), json!({"current": 1, "new": NEW}), json!([])]
    {
        house.tanaka.call("PUT", "/api/v1/me/password", &body).await.refused(400, "malformed");
    }
    change(&house.tanaka, House::PASSWORD, NEWER).await.ok(200);
    // NFKC: the same, as an input method in full width gives it.
    change(&house.tanaka, NEWER, "ｃｏｒｒｅｃｔ ｈｏｒｓｅ ｂａｔｔｅｒｙ ｓｔａｐｌｅ")
        .await
        .refused(422, "password_unchanged");
    log_in(&house, "tanaka", "ｃｏｒｒｅｃｔ　horse battery staple").await.ok(201);
}

#[tokio::test]
async fn the_present_password_cannot_be_guessed_here_either() {
    let house = House::new().await;
    for _ in 0..10 {
        change(&house.tanaka, "wrong password, again", NEWER).await.refused(403, "wrong_password");
    }
    change(&house.tanaka, House::PASSWORD, NEWER).await.refused(429, "too_many");
    // The same count as for log-ins.
    log_in(&house, "tanaka", House::PASSWORD).await.refused(429, "too_many");
    change(&house.suzuki, House::PASSWORD, NEWER).await.ok(200);
}

#[tokio::test]
async fn where_a_device_is_asked_for_eight_characters_do() {
    let house = House::new().await;
    house.seal_key();
    house.kanri.call("POST", "/api/v1/console", &json!({"password": House::PASSWORD})).await.ok(200);
    assert_eq!(
        house.tanaka.get("/api/v1/me").await.ok(200).json()["password"],
        json!({"initial": false, "alone": true})
    );
    let mut policy = house.kanri.get("/api/v1/policy").await.ok(200).json();
    policy["require_devices"] = json!(true);
    house.kanri.call("PUT", "/api/v1/policy", &policy).await.ok(200);
    assert_eq!(house.tanaka.get("/api/v1/me").await.ok(200).json()["password"]["alone"], false);
    change(&house.tanaka, House::PASSWORD, "kamome7").await.refused(422, "password_too_short");
    change(&house.tanaka, House::PASSWORD, "kamome77").await.ok(200);
}

#[tokio::test]
async fn the_administrators_key_follows_the_password() {
    let house = House::new().await;
    house.seal_key();
    let unlock =
        async |password: &str| house.kanri.call("POST", "/api/v1/console", &json!({"password": password})).await;
    unlock(House::PASSWORD).await.ok(200);
    let changed = change(&house.kanri, House::PASSWORD, NEWER).await.ok(200).json();
    assert_eq!(changed, json!({"key_apart": false}));
    assert_eq!(house.kanri.get("/api/v1/console").await.ok(200).json()["unlocked_until"], Value::Null);
    unlock(House::PASSWORD).await.refused(403, "wrong_password");
    unlock(NEWER).await.ok(200);
    // A key that was sealed with something else stays as it is, and the person is told.
    house.seal_key();
    let changed = change(&house.kanri, NEWER, "海沿いの道を歩いて帰る犬が二匹いる").await.ok(200).json();
    assert_eq!(changed, json!({"key_apart": true}));
    unlock(House::PASSWORD).await.ok(200);
}

#[tokio::test]
async fn a_key_that_waits_for_a_password_follows_only_when_it_is_in_force() {
    let house = House::new().await;
    house.seal_key();
    let keys = KeyFolder::in_data_folder(house.folder());
    let user = house.id_of("kanri").parse().unwrap();
    let sealed = keys.load_sealed_administrator(user).unwrap().unwrap();
    // As if the machine had stopped before the ledger was written: nothing has changed.
    let never = noroshi_provisioning::password::make_verifier(NEWER, "").unwrap();
    let lost = b"sealed under a password that never came".as_slice();
    keys.save_pending_administrator(user, &never, [Some(lost), None]).unwrap();
    house.kanri.call("POST", "/api/v1/console", &json!({"password": House::PASSWORD})).await.ok(200);
    assert_eq!(keys.load_sealed_administrator(user).unwrap().unwrap(), sealed);
    // As if it had stopped after: the key that waits is the one.
    let present = house.node.directory().verifier(user).unwrap().clone();
    keys.save_pending_administrator(user, &present, [Some(&sealed), None]).unwrap();
    keys.save_sealed_administrator(user, b"under the former password").unwrap();
    house.kanri.call("POST", "/api/v1/console", &json!({"password": House::PASSWORD})).await.ok(200);
    assert_eq!(keys.load_sealed_administrator(user).unwrap().unwrap(), sealed);
    assert_eq!(keys.administrators().unwrap(), [user], "what waits is nobody's key");
}

#[tokio::test]
async fn whoever_got_a_password_on_paper_is_told_to_choose_one() {
    let house = House::new().await;
    house.seal_key();
    house.kanri.call("POST", "/api/v1/console", &json!({"password": House::PASSWORD})).await.ok(200);
    let reset =
        house.kanri.bare("POST", &format!("/api/v1/people/{}/password", house.id_of("suzuki"))).await.ok(200).json();
    house.suzuki.get("/api/v1/me").await.refused(401, "unauthenticated");
    let initial = reset["initial_password"].as_str().unwrap();
    let session = log_in(&house, "suzuki", initial).await.ok(201).json();
    let suzuki = house.caller(session["token"].as_str().unwrap());
    assert_eq!(suzuki.get("/api/v1/me").await.ok(200).json()["password"]["initial"], true);
    change(&suzuki, initial, NEWER).await.ok(200);
    assert_eq!(suzuki.get("/api/v1/me").await.ok(200).json()["password"]["initial"], false);
}

#[tokio::test]
async fn a_password_is_one_however_it_is_encoded_and_none_is_cut_off() {
    let house = House::new().await;
    let password = "ガギグゲゴの坂を上る①番目の白い犬";
    change(&house.tanaka, House::PASSWORD, password).await.ok(200);
    for same in [
        "カ\u{3099}キ\u{3099}ク\u{3099}ケ\u{3099}コ\u{3099}の坂を上る①番目の白い犬",
        "ｶﾞｷﾞｸﾞｹﾞｺﾞの坂を上る1番目の白い犬",
        "ガギグゲゴの坂を上る１番目の白い犬",
    ] {
        log_in(&house, "tanaka", same).await.ok(201);
    }
    let long = "ながいながい".repeat(34)[..600].to_owned();
    let with_nul = format!("{password}\u{0}");
    let longer = format!("{password}。");
    let doubled = password.repeat(4);
    for other in ["", " ", &password[..42], &longer, &with_nul, &doubled, &long, &"x".repeat(200)] {
        log_in(&house, "tanaka", other).await.refused(401, "wrong_credentials");
    }
}
