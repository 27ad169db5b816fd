//! Messages that a device signs: taken when the signature is right, refused without a trace when it is not.

use data_encoding::BASE64URL_NOPAD;
use noroshi_node::fixture::DeviceSigner;
use noroshi_node::{NewMessage, NewText};
use noroshi_provisioning::device_key::device_key_id;
use noroshi_sync::id::{EntryId, RoomId, UserId};
use serde_json::{Value, json};

use crate::devices::{enrol_with_key, set_passcode};
use crate::house::House;
use crate::http::Caller;
use crate::ids::id;

/// tanaka's phone, with the key that is enrolled for it, in a room of tanaka's.
struct Phone {
    caller: Caller,
    key: DeviceSigner,
    user: UserId,
    room: RoomId,
}

impl Phone {
    async fn new(house: &House) -> Self {
        let key = DeviceSigner::generate().unwrap();
        let (caller, session) = enrol_with_key(house, "tanaka", Some(&key.public_key())).await;
        set_passcode(&caller).await;
        assert_eq!(session["device"]["signs"], true);
        let room = house.room("本部", &["suzuki"]).await.parse().unwrap();
        Self { caller, key, user: house.id_of("tanaka").parse().unwrap(), room }
    }

    fn path(&self, message: &str) -> String {
        format!("/api/v1/rooms/{}/messages/{message}", self.room)
    }

    /// The signature over a message of this text under this id.
    fn signature(&self, message: &str, text: &str, urgent: bool) -> String {
        let new = NewMessage { text: text.into(), urgent, ..NewMessage::default() };
        let id: EntryId = message.parse().unwrap();
        let signed = self.key.sign_message(self.user, self.room, id, new);
        BASE64URL_NOPAD.encode(&signed.signature.unwrap())
    }
}

#[tokio::test]
async fn a_right_signature_is_kept_and_shown() {
    let house = House::new().await;
    let phone = Phone::new(&house).await;
    let device = phone.caller.get("/api/v1/me").await.ok(200).json()["device"].clone();
    assert_eq!(device["key_id"], device_key_id(&phone.key.public_key()));

    let message = id();
    let body = json!({"text": " 総員参集 ", "urgent": true, "signature": phone.signature(&message, "総員参集", true)});
    let view = phone.caller.call("PUT", &phone.path(&message), &body).await.ok(201).json();
    assert_eq!((&view["signed"], &view["unsigned"]), (&json!("device"), &json!(false)));
    // An exact repetition, with the signature or without, is the same message.
    phone.caller.call("PUT", &phone.path(&message), &body).await.ok(200);
    let plain = json!({"text": "総員参集", "urgent": true});
    phone.caller.call("PUT", &phone.path(&message), &plain).await.ok(200);
    let page = house.suzuki.get(&format!("/api/v1/rooms/{}/messages", phone.room)).await.ok(200).json();
    let signed: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|item| &item["signed"]).collect();
    assert_eq!(signed, [&json!("device")]);
}

#[tokio::test]
async fn without_a_signature_urgent_messages_are_marked_and_others_are_not() {
    let house = House::new().await;
    let phone = Phone::new(&house).await;
    for (urgent, unsigned) in [(true, true), (false, false)] {
        let body = json!({"text": "x", "urgent": urgent});
        let view = phone.caller.call("PUT", &phone.path(&id()), &body).await.ok(201).json();
        assert_eq!((&view["signed"], &view["unsigned"]), (&json!("none"), &json!(unsigned)));
    }
}

#[tokio::test]
async fn a_wrong_signature_is_refused_and_nothing_is_stored() {
    let house = House::new().await;
    let phone = Phone::new(&house).await;
    let (message, other) = (id(), id());
    let right = phone.signature(&message, "避難所を開設", false);
    let stranger = DeviceSigner::generate().unwrap();
    let new = NewMessage { text: "避難所を開設".into(), ..NewMessage::default() };
    let foreign = stranger.sign_message(phone.user, phone.room, message.parse().unwrap(), new).signature.unwrap();
    let mut turned = BASE64URL_NOPAD.decode(right.as_bytes()).unwrap();
    turned[10] ^= 1;
    let refused = [
        (phone.path(&message), "避難所を閉鎖", false, right.clone()),
        (phone.path(&message), "避難所を開設", true, right.clone()),
        (phone.path(&other), "避難所を開設", false, right.clone()),
        (phone.path(&message), "避難所を開設", false, BASE64URL_NOPAD.encode(&foreign)),
        (phone.path(&message), "避難所を開設", false, BASE64URL_NOPAD.encode(&turned)),
        (phone.path(&message), "避難所を開設", false, BASE64URL_NOPAD.encode(&[0; 64])),
        (phone.path(&message), "避難所を開設", false, right[..85].to_owned()),
        (phone.path(&message), "避難所を開設", false, format!("{right}AA")),
        (phone.path(&message), "避難所を開設", false, format!("{right}=")),
        (phone.path(&message), "避難所を開設", false, "あ".repeat(29)),
        (phone.path(&message), "避難所を開設", false, String::new()),
    ];
    for (path, text, urgent, signature) in refused {
        let body = json!({"text": text, "urgent": urgent, "signature": signature});
        phone.caller.call("PUT", &path, &body).await.refused(422, "wrong_signature");
    }
    // Another device of the same person has no such key, and another person is another author.
    let body = json!({"text": "避難所を開設", "signature": right});
    house.tanaka.call("PUT", &phone.path(&message), &body).await.refused(422, "wrong_signature");
    house.suzuki.call("PUT", &phone.path(&message), &body).await.refused(422, "wrong_signature");
    // Who is not in the room learns nothing of it.
    house.takahashi.call("PUT", &phone.path(&message), &body).await.refused(404, "not_found");
    let page = house.tanaka.get(&format!("/api/v1/rooms/{}/messages", phone.room)).await.ok(200).json();
    assert_eq!(page["items"], json!([]));
    phone.caller.call("PUT", &phone.path(&message), &body).await.ok(201);
}

#[tokio::test]
async fn a_change_of_the_text_is_signed_like_the_text() {
    let house = House::new().await;
    let phone = Phone::new(&house).await;
    let message = id();
    let body =
        json!({"text": "第一小学校", "urgent": true, "signature": phone.signature(&message, "第一小学校", true)});
    phone.caller.call("PUT", &phone.path(&message), &body).await.ok(201);
    let change = |text: &str| {
        let entry = id();
        let (target, as_entry) = (message.parse().unwrap(), entry.parse().unwrap());
        let NewText { signed, .. } = phone.key.sign_text(phone.user, phone.room, target, as_entry, text);
        json!({"text": text, "id": entry, "signature": BASE64URL_NOPAD.encode(&signed.unwrap().1)})
    };
    let view = phone.caller.call("PATCH", &phone.path(&message), &change("第二小学校")).await.ok(200).json();
    assert_eq!((&view["text"], &view["signed"]), (&json!("第二小学校"), &json!("device")));
    let mut moved = change("第三小学校");
    moved["text"] = json!("海岸");
    phone.caller.call("PATCH", &phone.path(&message), &moved).await.refused(422, "wrong_signature");
    let mut half = change("第三小学校");
    half.as_object_mut().unwrap().remove("id");
    phone.caller.call("PATCH", &phone.path(&message), &half).await.refused(400, "malformed");
    let mut nameless = change("第三小学校");
    nameless["id"] = json!("00000000-0000-0000-0000-000000000000");
    phone.caller.call("PATCH", &phone.path(&message), &nameless).await.refused(422, "invalid_id");
    // Unsigned it is taken, and seen to be.
    let view = phone.caller.call("PATCH", &phone.path(&message), &json!({"text": "体育館"})).await.ok(200).json();
    assert_eq!((&view["signed"], &view["unsigned"]), (&json!("none"), &json!(true)));
}
