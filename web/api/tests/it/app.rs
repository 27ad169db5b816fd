//! The embedded app, and the headers that protect whoever uses it.

use crate::house::House;

#[tokio::test]
async fn the_app_is_served_and_asked_for_only_once() {
    let house = House::new().await;
    let nobody = house.nobody();
    let page = nobody.send("GET", "/", &[("accept", "text/html")], b"").await;
    if page.status == 503 {
        // Built without the app: people are told, and so are supervisors.
        assert!(page.text().contains("画面が組み込まれていません"));
        nobody.get("/readyz").await.refused(503, "app_missing");
        return;
    }
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let tag = page.header("etag").unwrap();
    let again = nobody.send("GET", "/", &[("accept", "text/html"), ("if-none-match", tag)], b"").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let inside = nobody.send("GET", "/rooms/0190", &[("accept", "text/html")], b"").await;
    assert_eq!(inside.body, page.body);
    let worker = nobody.get("/sw.js").await.ok(200);
    assert_eq!(worker.header("content-type"), Some("text/javascript; charset=utf-8"));
    let zipped = nobody.send("GET", "/assets/app.js", &[("accept-encoding", "gzip")], b"").await.ok(200);
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert_eq!(nobody.bare("HEAD", "/assets/app.js").await.ok(200).body.len(), 0);
    nobody.send("GET", "/assets/none.js", &[("accept", "text/html")], b"").await.refused(404, "not_found");
}

#[tokio::test]
async fn every_answer_protects_the_browser() {
    let house = House::new().await;
    for (path, cache) in [("/api/v1/me", "no-store"), ("/livez", "no-store"), ("/api/v1/unknown", "no-store")] {
        let reply = house.tanaka.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", cache),
            ("cross-origin-resource-policy", "same-origin"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
    }
    let page = house.nobody().send("GET", "/", &[("accept", "text/html")], b"").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
}
