//! Who may ask: tokens, cookies, other sites, other nodes, and guessing.

use serde_json::{Value, json};

use crate::house::House;
use crate::http::Reply;
use crate::ids::id;

impl House {
    /// A request of tanaka's browser: cookie instead of token.
    async fn by_cookie(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        let cookie = format!("noroshi_{}={}", self.short, self.tanaka.token.as_deref().unwrap());
        let mut all = vec![("cookie", cookie.as_str()), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.nobody().send(method, path, &all, body.as_bytes()).await
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

#[tokio::test]
async fn a_browser_reads_by_cookie_and_writes_with_proof() {
    let house = House::new().await;
    let room = house.room("本部", &[]).await;
    house.by_cookie("GET", "/api/v1/me", &[], &Value::Null).await.ok(200);
    let origin = house.origin();
    let text = json!({"text": "a"});
    let path = || format!("/api/v1/rooms/{room}/messages/{}", id());
    house.by_cookie("PUT", &path(), &[("x-noroshi", "1"), ("origin", &origin)], &text).await.ok(201);
    house.by_cookie("PUT", &path(), &[("x-noroshi", "1")], &text).await.ok(201);
    house.by_cookie("PUT", &path(), &[], &text).await.refused(403, "csrf");
    house.by_cookie("PUT", &path(), &[("x-noroshi", "0")], &text).await.refused(403, "csrf");
    for origin in ["http://evil.example", "null", "http://127.0.0.1"] {
        let reply = house.by_cookie("PUT", &path(), &[("x-noroshi", "1"), ("origin", origin)], &text).await;
        reply.refused(403, "wrong_origin");
    }
    house.by_cookie("DELETE", "/api/v1/session", &[], &Value::Null).await.refused(403, "csrf");
    house.by_cookie("GET", "/api/v1/me", &[], &Value::Null).await.ok(200);
}

#[tokio::test]
async fn cookie_and_token_of_different_logins_are_neither() {
    let house = House::new().await;
    let suzuki = house.suzuki.token.clone().unwrap();
    let bearer = format!("Bearer {suzuki}");
    let disagreeing = house.by_cookie("GET", "/api/v1/me", &[("authorization", &bearer)], &Value::Null).await;
    disagreeing.refused(401, "credentials_disagree");
    let twice = format!("noroshi_{}={suzuki}", house.short);
    house
        .by_cookie("GET", "/api/v1/me", &[("cookie", &twice)], &Value::Null)
        .await
        .refused(401, "credentials_disagree");
}

#[tokio::test]
async fn a_login_of_another_node_is_none_here() {
    let (here, there) = tokio::join!(House::new(), House::new());
    let stranger = here.caller(there.tanaka.token.as_deref().unwrap());
    stranger.get("/api/v1/me").await.refused(401, "unauthenticated");
    let cookie = format!("noroshi_{}={}", there.short, there.tanaka.token.as_deref().unwrap());
    here.nobody().send("GET", "/api/v1/me", &[("cookie", &cookie)], b"").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn everything_but_the_open_pages_needs_a_login() {
    let house = House::new().await;
    let room = house.room("本部", &[]).await;
    let description = house.nobody().get("/api/v1/openapi.json").await.json();
    let mut asked = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let is_open = operation["security"] == json!([{}]);
            if is_open || path == "/metrics" {
                continue;
            }
            let path = path.replace("{room}", &room).replace("{message}", &id()).replace("{user}", &id());
            let path = path.replace("{stamp}", "ryokai").replace("{node}", "all");
            let reply = house.nobody().call(&method.to_uppercase(), &path, &json!({})).await;
            reply.refused(401, "unauthenticated");
            asked += 1;
        }
    }
    assert_eq!(asked, 85);
}

#[tokio::test]
async fn another_site_cannot_log_a_person_in() {
    let house = House::new().await;
    let body = json!({"login": house.login_of("tanaka"), "password": House::PASSWORD}).to_string();
    let headers = [("content-type", "application/json"), ("origin", "http://evil.example")];
    house.nobody().send("POST", "/api/v1/session", &headers, body.as_bytes()).await.refused(403, "wrong_origin");
    // A form cannot send JSON.
    let form = [("content-type", "text/plain")];
    house.nobody().send("POST", "/api/v1/session", &form, body.as_bytes()).await.refused(415, "unsupported_media_type");
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_look_the_same() {
    let house = House::new().await;
    let attempt = async |login: &str| {
        house.nobody().call("POST", "/api/v1/session", &json!({"login": login, "password": "wrong-password"})).await
    };
    let (known, unknown) = (attempt(house.login_of("tanaka")).await, attempt("nobody-of-this-name").await);
    known.refused(401, "wrong_credentials");
    assert_eq!(known.body, unknown.body);
    assert!(known.header("set-cookie").is_none());
}

#[tokio::test]
async fn guessing_for_one_account_is_slowed_down_and_the_others_may_go_on() {
    let house = House::new().await;
    let guess = json!({"login": house.login_of("takahashi"), "password": "wrong-password"});
    let mut answers = Vec::new();
    for _ in 0..11 {
        answers.push(house.nobody().call("POST", "/api/v1/session", &guess).await);
    }
    let last = answers.pop().unwrap();
    last.refused(429, "too_many");
    assert!(last.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    let right = json!({"login": house.login_of("suzuki"), "password": House::PASSWORD});
    house.nobody().call("POST", "/api/v1/session", &right).await.ok(201);
}

#[tokio::test]
async fn a_second_login_in_the_same_browser_ends_the_first_and_keeps_the_device() {
    let house = House::new().await;
    let body = json!({"login": house.login_of("suzuki"), "password": House::PASSWORD});
    let first = house.nobody().call("POST", "/api/v1/session", &body).await.ok(201);
    let cookies: Vec<_> = first
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, v)| v.split(';').next().unwrap())
        .collect();
    let headers = [("content-type", "application/json"), ("cookie", &cookies.join("; "))];
    let second = house.nobody().send("POST", "/api/v1/session", &headers, body.to_string().as_bytes()).await.ok(201);
    assert_eq!(second.json()["device"]["id"], first.json()["device"]["id"]);
    house.caller(first.json()["token"].as_str().unwrap()).get("/api/v1/me").await.refused(401, "unauthenticated");
    house.caller(second.json()["token"].as_str().unwrap()).get("/api/v1/me").await.ok(200);
}

#[tokio::test]
async fn guessing_from_one_address_is_slowed_down_whatever_the_name() {
    let house = House::new().await;
    let guess = async |number: usize| {
        let body = json!({"login": format!("nobody{number}"), "password": "wrong-password"});
        house.nobody().call("POST", "/api/v1/session", &body).await
    };
    // Whoever knows the password does not use up what the address has.
    let right = json!({"login": house.login_of("suzuki"), "password": House::PASSWORD});
    house.nobody().call("POST", "/api/v1/session", &right).await.ok(201);
    for number in 0..60 {
        guess(number).await.refused(401, "wrong_credentials");
    }
    guess(60).await.refused(429, "too_many");
}
