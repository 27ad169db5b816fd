//! The rooms in which an organisation writes about itself. Their ids are derived, so every node knows them.

use noroshi_sync::id::RoomId;

use crate::id::{OfficeId, OrgId};

/// The ledger rooms of one organisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LedgerRooms {
    pub organisation: OrgId,
    /// Offices, nodes, invitations, administrators' public keys. For everyone with a certificate.
    pub public: RoomId,
    /// People and roles. For the nodes of the organisation.
    pub directory: RoomId,
}

/// The ledger rooms of `organisation`.
pub fn room_ids(organisation: OrgId) -> LedgerRooms {
    LedgerRooms {
        organisation,
        public: derive(organisation, "public", None),
        directory: derive(organisation, "directory", None),
    }
}

impl LedgerRooms {
    /// Password verifiers of an office's people. For the nodes of that office and of headquarters.
    pub fn secrets(&self, office: OfficeId) -> RoomId {
        derive(self.organisation, "secrets", Some(office))
    }

    /// What happened at an office. For the nodes of that office, of headquarters and one more.
    pub fn audit(&self, office: OfficeId) -> RoomId {
        derive(self.organisation, "audit", Some(office))
    }
}

/// First 16 bytes of BLAKE3("noroshi/ledger/1" ‖ organisation ‖ name ‖ office), marked as UUID version 8.
fn derive(organisation: OrgId, name: &str, office: Option<OfficeId>) -> RoomId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/ledger/1");
    hasher.update(organisation.as_bytes());
    hasher.update(name.as_bytes());
    if let Some(office) = office {
        hasher.update(office.as_bytes());
    }
    derived_room_id(&hasher)
}

/// The hash cut to a room id with the version and variant bits of a derived UUID (RFC 9562, version 8).
pub(crate) fn derived_room_id(hasher: &blake3::Hasher) -> RoomId {
    let mut bytes = [0u8; 16];
    hasher.finalize_xof().fill(&mut bytes);
    RoomId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rooms_of_an_organisation_are_golden() {
        let rooms = room_ids(OrgId::from_bytes([1; 32]));
        let secrets = rooms.secrets(OfficeId::from_bytes([2; 16]));
        let audit = rooms.audit(OfficeId::from_bytes([2; 16]));
        insta::assert_snapshot!(format!("{}\n{}\n{secrets}\n{audit}", rooms.public, rooms.directory));
        assert_eq!(rooms.public.as_uuid().get_version_num(), 8);
        assert_ne!(rooms.secrets(OfficeId::from_bytes([3; 16])), secrets);
        assert_ne!(room_ids(OrgId::from_bytes([2; 32])).public, rooms.public);
    }
}
