//! A city puts its people on Noroshi: a list is read, applied, read again, taken back, each as an administrator waits for it.

use std::time::Instant;

use noroshi_tests::city::{ADMINISTRATOR, PASSWORD};
use noroshi_tests::process::resident_bytes;
use noroshi_tests::staff;
use serde_json::{Value, json};

use crate::report::{line, round};
use crate::setting::offices;

pub async fn measure(people: usize) {
    let city = offices(1).await;
    let mut admin = city.log_in(0, ADMINISTRATOR).await;
    admin.post("/api/v1/console", &json!({"password": PASSWORD})).await.ok();
    let list = staff::list_in_cp932(people);
    let bytes = list.len();
    let start = Instant::now();
    let mut steps = Vec::new();
    let draft = admin.post_file("/api/v1/imports", "text/csv", list.clone()).await.ok();
    steps.push(start.elapsed());
    let path = format!("/api/v1/imports/{}", draft["id"].as_str().unwrap());
    let applied = admin.post(&format!("{path}/apply"), &Value::Null).await.ok();
    steps.push(start.elapsed());
    assert_eq!(applied["letters"].as_array().map(Vec::len), Some(people));
    let again = admin.post_file("/api/v1/imports", "text/csv", list).await.ok();
    steps.push(start.elapsed());
    assert_eq!(again["diff"]["same"], people);
    admin.post(&format!("{path}/undo"), &Value::Null).await.ok();
    steps.push(start.elapsed());
    let seconds = |from: usize, to: usize| round((steps[to] - steps[from]).as_secs_f64());
    line(
        "import",
        json!({"people": people, "file_bytes": bytes, "read_s": round(steps[0].as_secs_f64()), "apply_s": seconds(0, 1),
        "read_and_apply_s": round(steps[1].as_secs_f64()), "read_again_s": seconds(1, 2), "undo_s": seconds(2, 3),
        "rss_mb": round(resident_bytes(city.offices[0].process.as_ref().unwrap().pid()) as f64 / 1e6)}),
    );
}
