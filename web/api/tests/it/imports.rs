//! Staff lists over HTTP: files as bodies.

use std::time::Duration;

use noroshi_web::ConnectionLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::House;
use crate::http::{Caller, read_to_end, soon};

const CSV: (&str, &str) = ("content-type", "text/csv");
const PATH: &str = "/api/v1/imports";
const LIST: &[u8] = "職員番号,氏名,氏名カナ,所属,有効開始\r\n0012,髙﨑 太郎,ﾀｶｻｷ ﾀﾛｳ,総務課,2027/4/1\r\n".as_bytes();

#[tokio::test]
async fn a_list_is_read_shown_and_kept_as_a_draft() {
    let house = House::new().await;
    let import = house.kanri.send("POST", PATH, &[CSV], LIST).await.ok(201).json();
    assert_eq!((import["state"].as_str(), import["file"]["encoding"].as_str()), (Some("draft"), Some("utf-8")));
    assert_eq!(import["file"]["columns"][1], "氏名");
    assert_eq!(import["file"]["preview"][0][2], "ﾀｶｻｷ ﾀﾛｳ");
    assert_eq!((import["file"]["rows"].as_u64(), import["problems"].as_array().map(Vec::len)), (Some(1), Some(0)));
    let person = &import["diff"]["add"][0]["person"];
    assert_eq!((person["name"].as_str(), person["kana"].as_str()), (Some("髙﨑 太郎"), Some("たかさき たろう")));
    assert_eq!((person["number"].as_str(), person["login"].as_str()), (Some("0012"), Some("0012")));
    assert_eq!(person["valid_from"], "2027-04-01T00:00:00+09:00");
    assert_eq!(person["employment"], "regular");
    assert!(person["office"]["name"].is_string() && import.get("letters").is_none());
    let path = format!("{PATH}/{}", import["id"].as_str().unwrap());
    assert_eq!(house.kanri.get(&path).await.ok(200).json(), import);
    let list = house.kanri.get(PATH).await.ok(200).json();
    assert_eq!((list["items"][0]["id"].as_str(), &list["next"]), (import["id"].as_str(), &serde_json::Value::Null));
    for unknown in [format!("{PATH}/{}", crate::ids::id()), format!("{PATH}/x"), format!("{PATH}/%00")] {
        house.kanri.get(&unknown).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn problems_are_told_in_the_language_of_the_person() {
    let house = House::new().await;
    let list = "職員番号,氏名\n12,=1+1\n".as_bytes();
    let import = house.kanri.send("POST", PATH, &[CSV], list).await.ok(201).json();
    let problem = &import["problems"][0];
    assert_eq!((problem["row"].as_u64(), problem["column"].as_str()), (Some(2), Some("氏名")));
    assert_eq!(problem["code"], "formula");
    let japanese =
        "「氏名」の「=1+1」は計算式として実行されるおそれがあります。先頭の記号(= + - @)を取り除いてください。";
    assert_eq!(problem["message"], japanese);
    let english = house.kanri.send("POST", PATH, &[CSV, ("accept-language", "en")], list).await.ok(201).json();
    assert_eq!(
        english["problems"][0]["message"],
        "=1+1 in 氏名 could be executed as a formula. Please remove the sign in front."
    );
}

#[tokio::test]
async fn the_encoding_can_be_told() {
    let house = House::new().await;
    // 山 in CP932 after a header in ASCII.
    let list = b"number,name\r\n12,\x8eR\r\n";
    for (query, name) in [("", "山"), ("?encoding=auto", "山"), ("?encoding=cp932", "山")] {
        let import = house.kanri.send("POST", &format!("{PATH}{query}"), &[CSV], list).await.ok(201).json();
        assert_eq!(import["diff"]["add"][0]["person"]["name"], name, "{query}");
    }
    let import = house.kanri.send("POST", &format!("{PATH}?encoding=utf-8"), &[CSV], list).await.ok(201).json();
    assert_eq!(import["problems"][0]["code"], "undecodable");
    let unknown = house.kanri.send("POST", &format!("{PATH}?encoding=euc-jp"), &[CSV], list).await;
    unknown.refused(422, "unknown_encoding");
    for query in ["?encoding=", "?encoding=CP932"] {
        house.kanri.send("POST", &format!("{PATH}{query}"), &[CSV], list).await.refused(422, "unknown_encoding");
    }
    for query in ["?encoding=auto&encoding=auto", "?other=1"] {
        house.kanri.send("POST", &format!("{PATH}{query}"), &[CSV], list).await.refused(400, "malformed");
    }
}

#[tokio::test]
async fn only_administrators_send_lists_and_only_of_known_types() {
    let house = House::new().await;
    house.nobody().send("POST", PATH, &[CSV], LIST).await.refused(401, "unauthenticated");
    for caller in [&house.tanaka, &house.suzuki] {
        caller.send("POST", PATH, &[CSV], LIST).await.refused(403, "forbidden");
        caller.get(PATH).await.refused(403, "forbidden");
        caller.get(&format!("{PATH}/{}", crate::ids::id())).await.refused(403, "forbidden");
    }
    for headers in [
        &[][..],
        &[("content-type", "application/json")],
        &[("content-type", "application/vnd.ms-excel")],
        &[("content-type", "multipart/form-data; boundary=x")],
        &[CSV, ("content-encoding", "gzip")],
    ] {
        house.kanri.send("POST", PATH, headers, LIST).await.refused(415, "unsupported_file_type");
    }
    let charset = [("content-type", "text/csv; charset=Shift_JIS; header=present")];
    house.kanri.send("POST", PATH, &charset, LIST).await.ok(201);
    for (bytes, code) in [
        (b" \r\n".as_slice(), "empty_file"),
        (b"PK\x03\x04 and nothing more", "broken_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_workbook"),
    ] {
        house.kanri.send("POST", PATH, &[CSV], bytes).await.refused(422, code);
    }
}

#[tokio::test]
async fn a_file_over_the_limit_is_not_taken() {
    let house = House::new().await;
    let announced = format!("{}", 20 * 1024 * 1024 + 1);
    let head = head(&house.kanri, &[("content-length", &announced)]);
    let answer = crate::http::exchange(house.address, head.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
    // Without a word of how much it will be.
    let chunk = vec![b'\n'; 1024 * 1024];
    let mut bytes = self::head(&house.kanri, &[("transfer-encoding", "chunked")]).into_bytes();
    for _ in 0..21 {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(&chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    let answer = crate::http::exchange(house.address, &bytes).await;
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
    house.kanri.send("POST", PATH, &[CSV], LIST).await.ok(201);
}

#[tokio::test]
async fn who_sends_slowly_keeps_others_waiting_only_for_so_long() {
    let limits = ConnectionLimits { body_time: Duration::from_secs(2), ..ConnectionLimits::default() };
    let house = House::with(limits).await;
    let mut slow = TcpStream::connect(house.address).await.unwrap();
    let announced = head(&house.kanri, &[("content-length", "100"), ("expect", "100-continue")]);
    slow.write_all(announced.as_bytes()).await.unwrap();
    // Said when the body is read, and that is done only by who holds the place.
    let mut go_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    soon("the slow list holds the place", slow.read_exact(&mut go_on)).await.unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&go_on));
    slow.write_all(b"number,name\r\n").await.unwrap();
    house.kanri.send("POST", PATH, &[CSV], LIST).await.refused(409, "import_running");
    let answered = soon("the slow list is sent away", read_to_end(&mut slow)).await;
    assert!(answered.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answered));
    house.kanri.send("POST", PATH, &[CSV], LIST).await.ok(201);
}

fn head(caller: &Caller, headers: &[(&str, &str)]) -> String {
    let token = caller.token.as_deref().unwrap();
    let mut head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-type: text/csv\r\n",
        caller.address
    );
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + "\r\n"
}
