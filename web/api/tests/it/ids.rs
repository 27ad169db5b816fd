//! Fresh ids, as a client makes them.

pub fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}
