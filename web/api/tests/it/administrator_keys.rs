//! How a second administrator comes to sign, and what happens when a key or its paper is lost.

use noroshi_provisioning::Role;
use serde_json::{Value, json};

use crate::house::House;
use crate::http::Caller;

const PATH: &str = "/api/v1/administrator-keys";

async fn unlock(caller: &Caller) {
    caller.call("POST", "/api/v1/console", &password()).await.ok(200);
}

fn password() -> Value {
    json!({"password": House::PASSWORD})
}

/// Suzuki is a system administrator without a key; the organisation's administrator has unlocked his.
async fn house() -> House {
    let house = House::new().await;
    house.grant("suzuki", Role::SystemAdmin).await;
    house.seal_key();
    unlock(&house.kanri).await;
    house
}

async fn request(caller: &Caller) -> Value {
    caller.call("POST", PATH, &password()).await.ok(201).json()
}

fn path_of(key: &Value) -> String {
    format!("{PATH}/{}", key["id"].as_str().unwrap())
}

async fn approve(house: &House, key: &Value) {
    let compared = json!({"fingerprint": key["fingerprint"]});
    house.kanri.call("POST", &format!("{}/approval", path_of(key)), &compared).await.ok(201);
}

/// Something that takes a signature.
async fn sign(caller: &Caller, name: &str) -> crate::http::Reply {
    caller.call("POST", "/api/v1/offices", &json!({"name": name, "kind": "branch"})).await
}

#[tokio::test]
async fn a_second_administrator_signs_after_the_first_compared_the_fingerprint() {
    let house = house().await;
    house.suzuki.call("POST", "/api/v1/console", &password()).await.refused(403, "no_key_here");
    house.suzuki.call("POST", PATH, &json!({"password": "wrong"})).await.refused(403, "wrong_password");
    let key = request(&house.suzuki).await;
    assert!(key["recovery"].as_str().unwrap().contains("復旧用紙"));
    house.suzuki.call("POST", "/api/v1/console", &password()).await.refused(403, "key_not_named");
    sign(&house.suzuki, "北支所").await.refused(403, "console_locked");

    let list = house.kanri.get(PATH).await.ok(200).json();
    let states: Vec<_> = list["items"].as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["requested", "active"]);
    assert_eq!(list["items"][0]["fingerprint"], key["fingerprint"]);
    assert!(list["items"][0].get("recovery").is_none(), "the sheet is its owner's alone");
    let approval = format!("{}/approval", path_of(&key));
    for (other, code) in [
        ("", "not_a_fingerprint"),
        ("7K2M-0XQD-9RTW", "not_a_fingerprint"),
        ("7K2M-0XQD-9RTW-4HBC", "other_fingerprint"),
    ] {
        let answer = house.kanri.call("POST", &approval, &json!({"fingerprint": other})).await;
        answer.refused(422, code);
    }
    // Nobody approves without signing, least of all the key itself.
    house
        .suzuki
        .call("POST", &approval, &json!({"fingerprint": key["fingerprint"]}))
        .await
        .refused(403, "console_locked");
    approve(&house, &key).await;
    unlock(&house.suzuki).await;
    sign(&house.suzuki, "北支所").await.ok(201);
    let again = house.kanri.call("POST", &approval, &json!({"fingerprint": key["fingerprint"]})).await;
    again.refused(404, "not_found");
}

#[tokio::test]
async fn an_ended_key_signs_nothing_even_while_it_is_unlocked() {
    let house = house().await;
    let key = request(&house.suzuki).await;
    approve(&house, &key).await;
    unlock(&house.suzuki).await;
    house.kanri.bare("DELETE", &path_of(&key)).await.ok(204);
    sign(&house.suzuki, "北支所").await.refused(403, "key_ended");
    house.suzuki.bare("DELETE", "/api/v1/console").await.ok(204);
    house.suzuki.call("POST", "/api/v1/console", &password()).await.refused(403, "key_ended");
    // The paper of an ended key is only paper.
    let sheet = json!({"sheet": key["recovery"], "password": House::PASSWORD});
    house.suzuki.call("POST", &format!("{PATH}/restoration"), &sheet).await.refused(422, "wrong_length");
    let sheet = json!({"sheet": groups(&key), "password": House::PASSWORD});
    house.suzuki.call("POST", &format!("{PATH}/restoration"), &sheet).await.refused(422, "unknown_key");
    // Another key is made and named.
    let next = request(&house.suzuki).await;
    approve(&house, &next).await;
    unlock(&house.suzuki).await;
    sign(&house.suzuki, "北支所").await.ok(201);
}

#[tokio::test]
async fn what_is_declined_stays_so_and_the_last_key_is_kept() {
    let house = house().await;
    let key = request(&house.suzuki).await;
    house.kanri.bare("DELETE", &path_of(&key)).await.ok(204);
    house.suzuki.call("POST", "/api/v1/console", &password()).await.refused(403, "key_ended");
    let compared = json!({"fingerprint": key["fingerprint"]});
    let answer = house.kanri.call("POST", &format!("{}/approval", path_of(&key)), &compared).await;
    answer.refused(404, "not_found");
    let list = house.kanri.get(PATH).await.ok(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    house.kanri.bare("DELETE", &path_of(&list["items"][0])).await.refused(409, "last_key");
    house.kanri.bare("DELETE", &format!("{PATH}/{}", crate::ids::id())).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_key_in_use_stays_in_use_until_the_next_one_is_named() {
    let house = house().await;
    let first = request(&house.suzuki).await;
    approve(&house, &first).await;
    unlock(&house.suzuki).await;
    let second = request(&house.suzuki).await;
    house.suzuki.bare("DELETE", "/api/v1/console").await.ok(204);
    unlock(&house.suzuki).await;
    sign(&house.suzuki, "北支所").await.ok(201);
    // The owner approves the second with the first.
    let compared = json!({"fingerprint": second["fingerprint"]});
    house.suzuki.call("POST", &format!("{}/approval", path_of(&second)), &compared).await.ok(201);
    house.kanri.bare("DELETE", &path_of(&first)).await.ok(204);
    house.suzuki.bare("DELETE", "/api/v1/console").await.ok(204);
    unlock(&house.suzuki).await;
    sign(&house.suzuki, "南支所").await.ok(201);
}

#[tokio::test]
async fn a_key_comes_back_from_paper_to_its_owner_alone() {
    let house = house().await;
    house.grant("takahashi", Role::SystemAdmin).await;
    let key = request(&house.suzuki).await;
    approve(&house, &key).await;
    let restoration = format!("{PATH}/restoration");
    let typed = |sheet: &str| json!({"sheet": sheet, "password": House::PASSWORD});
    let groups = groups(&key);
    let answer = house.takahashi.call("POST", &restoration, &typed(&groups)).await;
    answer.refused(422, "sheet_of_another");
    let wrong = json!({"sheet": groups, "password": "wrong"});
    house.suzuki.call("POST", &restoration, &wrong).await.refused(403, "wrong_password");
    let mistyped = if groups.starts_with('0') { groups.replacen('0', "1", 1) } else { format!("0{}", &groups[1..]) };
    house.suzuki.call("POST", &restoration, &typed(&mistyped)).await.refused(422, "mistyped_group");
    house.suzuki.call("POST", &restoration, &typed("")).await.refused(422, "wrong_length");
    let back = house.suzuki.call("POST", &restoration, &typed(&groups.to_lowercase())).await.ok(200).json();
    assert_eq!(back["key_here"], true);
    unlock(&house.suzuki).await;
    sign(&house.suzuki, "北支所").await.ok(201);
}

/// The three lines of groups, as somebody types them.
fn groups(key: &Value) -> String {
    let sheet = key["recovery"].as_str().unwrap();
    sheet.lines().filter(|line| line.starts_with("    ")).map(str::trim).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn people_log_in_where_an_administrator_lets_them() {
    let house = house().await;
    let foreigner = house.add_foreigner().await;
    let people = house.kanri.get(&format!("/api/v1/people/{foreigner}")).await.ok(200).json();
    let away = people["office"]["id"].as_str().unwrap().to_owned();
    let here = house.kanri.get("/api/v1/node").await.ok(200).json()["office"]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/offices/{away}/roaming");
    let hosts =
        |reply: &Value| reply["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    assert!(hosts(&house.kanri.get(&path).await.ok(200).json()).is_empty());
    for (offices, code) in [(json!([away]), "own_office"), (json!([crate::ids::id()]), "unknown_office")] {
        house.kanri.call("PUT", &path, &json!({"offices": offices})).await.refused(422, code);
    }
    let set = house.kanri.call("PUT", &path, &json!({"offices": [here]})).await.ok(200).json();
    assert_eq!(hosts(&set), [json!(here)]);
    assert_eq!(hosts(&house.kanri.call("PUT", &path, &json!({"offices": [here]})).await.ok(200).json()), [json!(here)]);
    assert!(hosts(&house.kanri.call("PUT", &path, &json!({"offices": []})).await.ok(200).json()).is_empty());
    let unknown = format!("/api/v1/offices/{}/roaming", crate::ids::id());
    house.kanri.get(&unknown).await.refused(404, "not_found");
    house.kanri.call("PUT", &unknown, &json!({"offices": []})).await.refused(404, "not_found");
}
