//! What the services read: each file answers one kind of question, on a reader's connection or inside a write.

mod arrival;
mod audit;
mod blobs;
pub(in crate::store) mod codes;
mod devices;
mod erasures;
mod gaps;
mod imports;
mod lines;
mod marks;
mod naming;
mod policies;
mod reads;
mod rooms;
mod sessions;
mod signatures;
mod timeline;
mod usage;

pub use arrival::Holders;
pub use audit::{AuditFilter, AuditPage};
pub use blobs::{BlobRow, LackingRow};
pub use devices::{CodeRow, PasscodeRow};
pub use erasures::{ErasureRow, ToErase, Tombstone};
pub use gaps::{Class, Gap, Sides};
pub use imports::ImportRow;
pub use lines::CutRow;
pub use policies::PolicyEntry;
pub use reads::{ReadRow, SeenLog, SeenLogs, Unread};
pub use rooms::{MemberRow, PageRow, RoomRow, Standing};
pub use sessions::SessionRow;
pub use timeline::{Place, ShownMessage};
