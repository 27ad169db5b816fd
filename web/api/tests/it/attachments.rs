//! Files: what is taken, what is made of it, who gets it.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::house::House;
use crate::http::{Caller, Reply, exchange};
use crate::ids::id;

const PATH: &str = "/api/v1/attachments";
const LIMIT: usize = 50 * 1024 * 1024;
const PDF: &[u8] = b"%PDF-1.7\n1 0 obj << >> endobj\n";

fn photo(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7) as u8, (y * 5) as u8, (x ^ y) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(image).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG that says where and with what it was taken.
fn talkative() -> Vec<u8> {
    let plain = photo(640, 480, ImageFormat::Jpeg);
    // Big-endian TIFF: Make = CANARY…, and the place 35°0'0"N 139°30'0"E.
    let mut tiff = b"MM\0\x2a\0\0\0\x08".to_vec();
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value].concat()
    };
    tiff.extend(2_u16.to_be_bytes());
    tiff.extend(entry(0x010f, 2, 8, 38_u32.to_be_bytes()));
    tiff.extend(entry(0x8825, 4, 1, 46_u32.to_be_bytes()));
    tiff.extend([0; 4]);
    tiff.extend(b"CANARY1\0");
    tiff.extend(4_u16.to_be_bytes());
    tiff.extend(entry(1, 2, 2, *b"N\0\0\0"));
    tiff.extend(entry(2, 5, 3, 100_u32.to_be_bytes()));
    tiff.extend(entry(3, 2, 2, *b"E\0\0\0"));
    tiff.extend(entry(4, 5, 3, 124_u32.to_be_bytes()));
    tiff.extend([0; 4]);
    for part in [35_u32, 0, 0, 139, 30, 0] {
        tiff.extend(part.to_be_bytes());
        tiff.extend(1_u32.to_be_bytes());
    }
    let body = [b"Exif\0\0".as_slice(), &tiff].concat();
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&plain[..2], &[0xff, 0xe1], &length, &body, &plain[2..], b"PK\x03\x04CANARY2<script>"].concat()
}

async fn send(caller: &Caller, query: &str, bytes: &[u8]) -> Reply {
    caller.send("POST", &format!("{PATH}?{query}"), &[("content-type", "application/octet-stream")], bytes).await
}

fn hash_of(view: &Value) -> String {
    view["hash"].as_str().unwrap().to_owned()
}

fn file(view: &Value) -> Value {
    json!({"hash": view["hash"], "name": view["name"]})
}

async fn post(caller: &Caller, room: &str, body: &Value) -> Reply {
    caller.call("PUT", &format!("/api/v1/rooms/{room}/messages/{}", id()), body).await
}

async fn read(caller: &Caller, hash: &str) -> Reply {
    caller.get(&format!("{PATH}/{hash}")).await
}

#[tokio::test]
async fn a_photo_is_made_anew_shown_and_given_to_members_alone() {
    let house = House::new().await;
    let (tanaka, suzuki, takahashi) = (&house.tanaka, &house.suzuki, &house.takahashi);
    let room = house.room("現場写真", &["suzuki"]).await;
    let sent = talkative();
    let view = send(tanaka, "name=%E5%A0%A4%E9%98%B2.jpg", &sent).await.ok(201).json();
    assert_eq!((&view["name"], &view["mime"]), (&json!("堤防.jpg"), &json!("image/jpeg")));
    assert_eq!((&view["width"], &view["height"], &view["place"]), (&json!(640), &json!(480), &Value::Null));
    assert!(view["thumbnail"].as_str().unwrap().starts_with("data:image/jpeg;base64,/9j/"));
    let hash = hash_of(&view);
    // The sender may look at it before it is posted; nobody else.
    read(tanaka, &hash).await.ok(200);
    read(suzuki, &hash).await.refused(404, "not_found");
    let said = post(tanaka, &room, &json!({"text": "", "attachments": [file(&view)]})).await.ok(201).json();
    let shown = &said["attachments"][0];
    assert_eq!((&shown["state"], &shown["hash"]), (&json!("here"), &view["hash"]));
    assert_eq!(shown["held_bytes"], shown["size"]);

    let reply = read(suzuki, &hash).await.ok(200);
    assert_eq!(blake3::hash(&reply.body).to_hex().as_str(), hash);
    for canary in ["CANARY", "Exif", "GPS", "<script>", "PK\x03\x04"] {
        assert!(!reply.body.windows(canary.len()).any(|bytes| bytes == canary.as_bytes()), "{canary}");
    }
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("content-disposition", "attachment; filename*=UTF-8''%E5%A0%A4%E9%98%B2.jpg"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "private"),
        ("accept-ranges", "bytes"),
        ("etag", &format!("\"{hash}\"")),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    let inline = suzuki.get(&format!("{PATH}/{hash}?inline=true")).await.ok(200);
    assert!(inline.header("content-disposition").unwrap().starts_with("inline; "));
    // Not on the disk either, under whatever name.
    for entry in walk(house.folder()) {
        let bytes = std::fs::read(entry).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"CANARY"));
    }
    read(takahashi, &hash).await.refused(404, "not_found");
    read(&house.nobody(), &hash).await.refused(401, "unauthenticated");
    for path in ["fetch", "fetch/x"] {
        assert_eq!(takahashi.bare("POST", &format!("{PATH}/{hash}/{path}")).await.status / 100, 4);
    }
    // Forwarding what one may see, not what one may not.
    let other = house.room("別室", &["takahashi"]).await;
    let quoted = json!({"text": "転送", "attachments": [{"hash": hash, "name": "a.jpg"}]});
    post(takahashi, &other, &quoted).await.refused(422, "attachment_unknown");
    post(tanaka, &other, &quoted).await.ok(201);
    read(takahashi, &hash).await.ok(200);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files.extend(walk(&entry.path()));
        } else if entry.file_type().unwrap().is_file() {
            files.push(entry.path());
        }
    }
    files
}

#[tokio::test]
async fn the_place_of_a_photo_is_told_only_if_its_reporter_wants_it() {
    let house = House::new().await;
    let view = send(&house.tanaka, "name=a.jpg&keep_place=true", &talkative()).await.ok(201).json();
    assert_eq!(view["place"], json!({"lat": 35.0, "lon": 139.5}));
    let room = house.room("現場", &["suzuki"]).await;
    post(&house.tanaka, &room, &json!({"text": "ここ", "attachments": [file(&view)]})).await.ok(201);
    let page = house.suzuki.get(&format!("/api/v1/rooms/{room}/messages")).await.ok(200).json();
    assert_eq!(page["items"][0]["attachments"][0]["place"], view["place"]);
    let without = send(&house.tanaka, "name=a.jpg&keep_place=false", &talkative()).await.ok(201).json();
    assert_eq!((&without["place"], &without["hash"]), (&Value::Null, &view["hash"]));
}

#[tokio::test]
async fn a_file_is_refused_for_what_it_is() {
    let house = House::new().await;
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0".to_vec();
    // CRC of that header, then nothing.
    bomb.extend([0, 0, 0, 0]);
    let png = photo(60, 60, ImageFormat::Png);
    for (name, bytes, status, code) in [
        ("a.jpg", b"MZ\x90\0".as_slice(), 415, "attachment_kind_refused"),
        ("a.exe", b"MZ\x90\0", 415, "attachment_kind_refused"),
        ("a.jpg.exe", &png, 415, "attachment_kind_refused"),
        ("a.png", b"<svg onload='alert(1)'/>", 415, "attachment_kind_refused"),
        ("a.svg", b"<svg/>", 415, "attachment_kind_refused"),
        ("a.pdf", &png, 415, "attachment_kind_refused"),
        ("a.heic", b"\0\0\0\x18ftypheic", 415, "attachment_kind_refused"),
        ("a.zip", b"PK\x03\x04", 415, "attachment_kind_refused"),
        ("a.png", &bomb, 422, "attachment_unreadable"),
        ("a.png", &png[..png.len() / 2], 422, "attachment_unreadable"),
        ("a.jpg", b"\xff\xd8\xff\xe0", 422, "attachment_unreadable"),
        ("a.pdf", b"", 422, "empty_file"),
    ] {
        send(&house.tanaka, &format!("name={name}"), bytes).await.refused(status, code);
    }
    let zipped = [("content-encoding", "gzip")];
    house
        .tanaka
        .send("POST", &format!("{PATH}?name=a.txt"), &zipped, b"x")
        .await
        .refused(415, "attachment_kind_refused");
    send(&house.tanaka, &format!("name={}", "a".repeat(1_025)), PDF).await.refused(422, "too_long");
    send(&house.tanaka, "name=a.pdf&more=1", PDF).await.refused(400, "malformed");
    assert_eq!(left_behind(&house), 0);
}

fn left_behind(house: &House) -> usize {
    walk(&house.folder().join("blobs")).len()
}

#[tokio::test]
async fn names_come_back_clean() {
    let house = House::new().await;
    for (given, kept) in [
        ("..%2F..%2Fetc%2Fpasswd.pdf", "passwd.pdf"),
        ("%E2%80%AEfdp.pdf", "fdp.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("a%0d%0aX-Evil%3A%201.pdf", "aX-Evil_ 1.pdf"),
    ] {
        let view = send(&house.tanaka, &format!("name={given}"), PDF).await.ok(201).json();
        assert_eq!(view["name"], kept);
        let reply = read(&house.tanaka, &hash_of(&view)).await.ok(200);
        assert!(reply.header("x-evil").is_none() && !reply.header("content-disposition").unwrap().contains('\r'));
        // A file that could be a page is never shown as one.
        let path = format!("{PATH}/{}?inline=true", hash_of(&view));
        let reply = house.tanaka.get(&path).await.ok(200);
        assert!(reply.header("content-disposition").unwrap().starts_with("attachment; "));
    }
}

#[tokio::test]
async fn fifty_mebibytes_are_taken_and_not_a_byte_more() {
    let house = House::new().await;
    let mut bytes = PDF.to_vec();
    bytes.resize(LIMIT, b' ');
    let view = send(&house.tanaka, "name=a.pdf", &bytes).await.ok(201).json();
    assert_eq!(view["size"], LIMIT);
    // Refused by what the client says it wants to send, before it sends it.
    let (token, address) = (house.tanaka.token.clone().unwrap(), house.address);
    let head = format!(
        "POST {PATH}?name=a.pdf HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        LIMIT + 1
    );
    Reply::parse(&exchange(address, head.as_bytes()).await).refused(413, "attachment_too_large");
    // The room for files is 64 MiB in this house: the same content once more is no more, other content is.
    send(&house.tanaka, "name=b.pdf", &bytes).await.ok(201);
    bytes[100] = b'x';
    assert_eq!(send(&house.tanaka, "name=c.pdf", &bytes).await.json()["code"], "attachment_quota");
    assert_eq!(left_behind(&house), 1);
}

#[tokio::test]
async fn without_a_length_the_limit_holds_and_half_a_file_is_nothing() {
    let house = House::new().await;
    let token = house.tanaka.token.clone().unwrap();
    let head = |more: &str| {
        format!(
            "POST {PATH}?name=a.pdf HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n{more}\r\n\r\n",
            house.address
        )
    };
    let piece = vec![b'%'; 1024 * 1024];
    let mut chunked = head("Transfer-Encoding: chunked").into_bytes();
    for _ in 0..51 {
        chunked.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        chunked.extend(&piece);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let answer = exchange(house.address, &chunked).await;
    Reply::parse(&answer).refused(413, "attachment_too_large");
    // Closed after each 64 KiB of a longer file.
    for pieces in 0..4 {
        let mut bytes = head("Content-Length: 1000000").into_bytes();
        bytes.extend(PDF);
        bytes.resize(bytes.len() + pieces * 64 * 1024, b' ');
        let mut socket = tokio::net::TcpStream::connect(house.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, &bytes).await.unwrap();
        drop(socket);
    }
    // A whole one after these: their ends have been seen when nothing else is left of them.
    send(&house.tanaka, "name=a.pdf", PDF).await.ok(201);
    crate::http::soon("the end of broken uploads", async {
        while left_behind(&house) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn parts_are_given_as_asked() {
    let house = House::new().await;
    let mut bytes = PDF.to_vec();
    bytes.extend((0..300_000_u32).map(|number| number as u8));
    let hash = hash_of(&send(&house.tanaka, "name=a.pdf", &bytes).await.ok(201).json());
    let path = format!("{PATH}/{hash}");
    let part = async |range: &str| house.tanaka.send("GET", &path, &[("range", range)], b"").await;
    let size = bytes.len();
    let reply = part("bytes=10-19").await.ok(206);
    assert_eq!(reply.body, bytes[10..20]);
    assert_eq!(reply.header("content-range"), Some(format!("bytes 10-19/{size}").as_str()));
    assert_eq!(part("bytes=-300000").await.ok(206).body, bytes[size - 300_000..]);
    assert_eq!(part(&format!("bytes={}-", size - 1)).await.ok(206).body, bytes[size - 1..]);
    for whole in ["bytes=0-1,5-6", "bytes=9-1", "x"] {
        assert_eq!(part(whole).await.ok(200).body, bytes);
    }
    let reply = part(&format!("bytes={size}-")).await;
    reply.refused(416, "range_not_satisfiable");
    assert_eq!(reply.header("content-range"), Some(format!("bytes */{size}").as_str()));
    let etag = format!("\"{hash}\"");
    let with = async |name: &str, value: &str| {
        house.tanaka.send("GET", &path, &[("range", "bytes=0-0"), (name, value)], b"").await.status
    };
    assert_eq!(with("if-none-match", &etag).await, 304);
    assert_eq!(with("if-range", &etag).await, 206);
    assert_eq!(with("if-range", "\"other\"").await, 200);
    let head = house.tanaka.bare("HEAD", &path).await.ok(200);
    assert_eq!((head.header("content-length"), head.body.len()), (Some(size.to_string().as_str()), 0));
}

#[tokio::test]
async fn after_removal_nothing_is_left_to_see() {
    let house = House::new().await;
    let (tanaka, suzuki) = (&house.tanaka, &house.suzuki);
    let room = house.room("取り消し", &["suzuki"]).await;
    let view = send(tanaka, "name=a.png", &photo(30, 30, ImageFormat::Png)).await.ok(201).json();
    let said = post(tanaka, &room, &json!({"text": "誤送信", "attachments": [file(&view)]})).await.ok(201).json();
    read(suzuki, &hash_of(&view)).await.ok(200);
    let message = format!("/api/v1/rooms/{room}/messages/{}", said["id"].as_str().unwrap());
    tanaka.bare("DELETE", &message).await.ok(204);
    read(suzuki, &hash_of(&view)).await.refused(404, "not_found");
    let page = suzuki.get(&format!("/api/v1/rooms/{room}/messages")).await.ok(200).json();
    assert_eq!(page["items"][0]["attachments"], json!([]));
    // Members who leave lose what the room shows.
    let view = send(tanaka, "name=b.pdf", PDF).await.ok(201).json();
    post(tanaka, &room, &json!({"text": "資料", "attachments": [file(&view)]})).await.ok(201);
    read(suzuki, &hash_of(&view)).await.ok(200);
    suzuki.bare("DELETE", &format!("/api/v1/rooms/{room}/members/{}", house.id_of("suzuki"))).await.ok(204);
    read(suzuki, &hash_of(&view)).await.refused(404, "not_found");
}

#[tokio::test]
async fn ten_files_go_with_a_message_and_repeats_are_one() {
    let house = House::new().await;
    let room = house.room("多数", &[]).await;
    let mut files = Vec::new();
    for side in 20..31 {
        let photo = photo(side * 20, 300, ImageFormat::Jpeg);
        files.push(file(&send(&house.tanaka, "name=a.jpg", &photo).await.ok(201).json()));
    }
    post(&house.tanaka, &room, &json!({"text": "a", "attachments": files})).await.refused(422, "too_many_items");
    files.pop();
    let text = "𠮷".repeat(10_000);
    let body = json!({"text": text, "attachments": files});
    let path = format!("/api/v1/rooms/{room}/messages/{}", id());
    let said = house.tanaka.call("PUT", &path, &body).await.ok(201).json();
    assert_eq!(said["attachments"].as_array().unwrap().len(), 10);
    house.tanaka.call("PUT", &path, &body).await.ok(200);
    files.pop();
    house.tanaka.call("PUT", &path, &json!({"text": text, "attachments": files})).await.refused(409, "conflict");
    post(&house.tanaka, &room, &json!({"text": "", "attachments": []})).await.refused(422, "empty");
}

#[tokio::test]
async fn what_nobody_sent_cannot_be_attached() {
    let house = House::new().await;
    let room = house.room("無し", &["suzuki"]).await;
    let view = send(&house.tanaka, "name=a.pdf", PDF).await.ok(201).json();
    post(&house.suzuki, &room, &json!({"text": "a", "attachments": [file(&view)]}))
        .await
        .refused(422, "attachment_unknown");
    for bad in [json!("x"), json!({"hash": "00", "name": "a"}), json!({"hash": view["hash"]}), json!(null)] {
        let reply = post(&house.tanaka, &room, &json!({"text": "a", "attachments": [bad]})).await;
        assert!(matches!(reply.status, 400 | 422), "{}", reply.text());
    }
    for bad in ["x", "..%2f", &"AB".repeat(32), &"ab".repeat(31)] {
        assert_eq!(read(&house.tanaka, bad).await.status, 404, "{bad}");
    }
    // Asking for what is here already is fine, and nothing more.
    let fetch = format!("{PATH}/{}/fetch", hash_of(&view));
    let progress = house.tanaka.bare("POST", &fetch).await.ok(202).json();
    assert_eq!(progress, json!({"state": "here", "held_bytes": PDF.len(), "size": PDF.len()}));
    house.tanaka.bare("DELETE", &fetch).await.ok(204);
}
