//! The app's build is embedded into this crate: a new build of it makes a new build of us.

fn main() {
    println!("cargo::rerun-if-changed=../app/dist");
}
