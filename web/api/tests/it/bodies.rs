//! Every call that takes a body refuses one of another form, and then nothing has changed.

use serde_json::{Map, Value, json};

use crate::house::House;
use crate::http::{Caller, Reply};
use crate::ids::id;

/// One call with a body that it would take.
struct Call<'a> {
    caller: &'a Caller,
    method: &'static str,
    path: String,
    body: Value,
    /// The parts that may be left out or null.
    optional: &'static [&'static str],
}

impl Call<'_> {
    async fn with(&self, body: &str) -> Reply {
        let json = [("content-type", "application/json")];
        self.caller.send(self.method, &self.path, &json, body.as_bytes()).await
    }

    fn fields(&self) -> &Map<String, Value> {
        self.body.as_object().unwrap()
    }

    fn without(&self, field: &str) -> Value {
        let rest = self.fields().iter().filter(|(key, _)| *key != field);
        rest.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>().into()
    }

    fn with_field(&self, field: &str, value: &Value) -> String {
        let mut body = self.body.clone();
        body[field] = value.clone();
        body.to_string()
    }

    /// Bodies that are no JSON, or not an object of the right parts.
    fn malformed(&self) -> Vec<String> {
        let good = self.body.to_string();
        let inside = good.strip_suffix('}').unwrap();
        let (field, value) = self.fields().iter().next().unwrap();
        // By position: what serde makes of a list.
        let values: Vec<Value> = self.fields().values().cloned().collect();
        let mut bodies: Vec<String> = ["", " ", "{", "}", "null", "true", "0", "[]", "\"text\"", "{\"", "<a/>", "a=b"]
            .map(str::to_owned)
            .to_vec();
        bodies.extend([
            inside.to_owned(),
            format!("{good}{good}"),
            format!("[{good}]"),
            json!(values).to_string(),
            format!("\u{feff}{good}"),
            format!("{inside},}}"),
            format!("{inside},\"{field}\":{value}}}"),
            format!("{inside},\"unknown\":null}}"),
            self.with_field("__proto__", &json!({})),
            self.with_field(&field.to_uppercase(), value),
        ]);
        bodies
    }

    /// Bodies with one part missing or of another type.
    fn mistyped(&self) -> Vec<String> {
        let others =
            [json!(1), json!(-1), json!(1.5), json!(true), json!("\0"), json!([1]), json!([[]]), json!({"a": 1})];
        let mut bodies = Vec::new();
        for (field, good) in self.fields() {
            let is_other = |value: &&Value| std::mem::discriminant(*value) != std::mem::discriminant(good);
            bodies.extend(others.iter().filter(is_other).map(|value| self.with_field(field, value)));
            if !self.optional.contains(&field.as_str()) {
                bodies.extend([self.without(field).to_string(), self.with_field(field, &Value::Null)]);
            }
            // Ids and words are strings in JSON, but not any strings.
            match good {
                // Files have an answer of their own, whatever is said of them.
                Value::Array(_) if field != "attachments" => {
                    bodies.extend([json!([1]), json!([null])].map(|bad| self.with_field(field, &bad)));
                }
                Value::String(text)
                    if text.parse::<uuid::Uuid>().is_ok() || ["kind", "role"].contains(&field.as_str()) =>
                {
                    bodies.extend([json!(""), json!("x"), json!(0)].map(|bad| self.with_field(field, &bad)));
                }
                _ => {}
            }
        }
        bodies
    }
}

struct Place {
    house: House,
    room: String,
    /// Tanaka's.
    message: String,
    nobody: Caller,
}

impl Place {
    async fn new() -> Self {
        let house = House::new().await;
        let room = house.room("本部", &["suzuki"]).await;
        let message = format!("/api/v1/rooms/{room}/messages/{}", id());
        house.tanaka.call("PUT", &message, &json!({"text": "一報"})).await.ok(201);
        let nobody = house.nobody();
        Self { house, room, message, nobody }
    }

    fn calls(&self) -> Vec<Call<'_>> {
        let (house, room) = (&self.house, format!("/api/v1/rooms/{}", self.room));
        let call = |caller, method, path, body, optional| Call { caller, method, path, body, optional };
        let message = self.message.rsplit('/').next().unwrap();
        let (suzuki, takahashi) = (house.id_of("suzuki"), house.id_of("takahashi"));
        let log_in = json!({"login": house.login_of("tanaka"), "password": House::PASSWORD, "device_code": ""});
        let own_password = json!({"current": House::PASSWORD, "new": "海沿いの道を歩いて帰る犬が二匹"});
        let new_room = json!({
            "id": id(), "name": "別室", "topic": "話題", "purpose": "目的", "kind": "group",
            "members": [suzuki], "offices": [],
        });
        let new_message =
            json!({"text": "二報", "reply_to": message, "urgent": true, "mentions": [suzuki], "attachments": []});
        let page = json!({"name": "改名", "topic": "話題", "purpose": "目的", "pins": [message]});
        vec![
            call(
                &house.tanaka,
                "POST",
                "/api/v1/rooms".into(),
                new_room,
                &["id", "name", "topic", "purpose", "offices"],
            ),
            call(&house.tanaka, "PATCH", room.clone(), page, &["name", "topic", "purpose", "pins"]),
            call(&house.tanaka, "PUT", format!("{room}/members/{takahashi}"), json!({"role": "member"}), &[]),
            call(&house.suzuki, "PUT", format!("{room}/read"), json!({"message": message}), &[]),
            call(
                &house.tanaka,
                "PUT",
                format!("{room}/messages/{}", id()),
                new_message,
                &["reply_to", "urgent", "mentions", "attachments"],
            ),
            call(&house.tanaka, "PATCH", self.message.clone(), json!({"text": "訂正"}), &[]),
            call(&house.takahashi, "PUT", "/api/v1/me/password".into(), own_password, &[]),
            call(&house.kanri, "PUT", "/api/v1/peers/all/link".into(), json!({"cut": true}), &[]),
            call(&self.nobody, "POST", "/api/v1/session".into(), log_in, &["device_code"]),
        ]
    }

    /// Everything that these calls could have changed, as it is seen.
    async fn seen(&self) -> Vec<Value> {
        let room = format!("/api/v1/rooms/{}", self.room);
        let mut seen = Vec::new();
        for caller in [&self.house.tanaka, &self.house.suzuki, &self.house.takahashi, &self.house.kanri] {
            seen.push(caller.get("/api/v1/rooms").await.ok(200).json());
        }
        for path in [room.clone(), format!("{room}/members"), format!("{room}/messages"), "/api/v1/peers".into()] {
            seen.push(self.house.tanaka.get(&path).await.ok(200).json());
        }
        seen
    }
}

#[tokio::test]
async fn no_call_takes_a_body_of_another_form() {
    let place = Place::new().await;
    let before = place.seen().await;
    let mut refused = 0;
    for call in place.calls() {
        for body in call.malformed().into_iter().chain(call.mistyped()) {
            let reply = call.with(&body).await;
            assert!([400, 422].contains(&reply.status), "{} {} {body}: {}", call.method, call.path, reply.text());
            reply.refused(reply.status, "malformed");
            refused += 1;
        }
        assert_eq!(place.seen().await, before, "{} {}", call.method, call.path);
    }
    assert!(refused > 300, "{refused}");
    // All that was wrong with them was their form.
    for call in place.calls() {
        let reply = call.with(&call.body.to_string()).await;
        assert!(reply.status < 300, "{} {}: {}", call.method, call.path, reply.text());
    }
    assert_ne!(place.seen().await, before);
}
