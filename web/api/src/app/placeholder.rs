//! What a person sees when the program was built without its app.

use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

const PAGE: &str = r#"<!doctype html>
<html lang="ja">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Noroshi</title></head>
<body>
<h1>画面が組み込まれていません</h1>
<p>このノードは動いていますが、画面を含めずにビルドされています。<code>web/app</code> で <code>npm ci &amp;&amp; npm run build</code> を実行し、ビルドし直してください。</p>
<p lang="en">This node runs, but was built without its web app. Run <code>npm ci &amp;&amp; npm run build</code> in <code>web/app</code> and build again.</p>
</body>
</html>
"#;

pub fn page() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Html(PAGE)).into_response()
}
