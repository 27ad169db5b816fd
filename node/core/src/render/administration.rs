//! People, devices and nodes as administrators see them.

use noroshi_provisioning::ledger::{
    self, DeviceRecord, Planned, Post, Request, RequestOutcome, Revoked, Scope, Suspension, User, minted_ms,
};
use noroshi_provisioning::{Directory, Fingerprint};
use noroshi_sync::id::{EntryId, UserId};

use super::People;
use crate::view::{
    Actor, AdministratorKeyView, DeviceRequestView, Employment, KeyState, PersonRef, PersonView, PlannedView, PostKind,
    PostView, RequestState, RevocationView, SuspensionView, Time,
};

impl People<'_> {
    /// `devices`: how many the person has.
    pub fn administered(&self, user: &User, reader: &Actor, devices: u32) -> PersonView {
        let directory = self.directory();
        let details = &user.details;
        PersonView {
            user: self.user(user, reader),
            number: details.number.clone(),
            section_code: details.section_code.clone(),
            email: details.email.clone(),
            phone: details.phone.clone(),
            muster_class: details.muster_class.clone(),
            muster_place: details.muster_place.clone(),
            qualifications: details.qualifications.clone(),
            employment: employment(details.employment),
            valid_from: details.valid_from_ms.map(Time::from_ms),
            valid_until: details.valid_until_ms.map(Time::from_ms),
            suspended: self.suspension(directory.suspensions(user.id)),
            suspension_awaits: count(directory.awaited_suspensions(user.id).len()),
            devices,
            planned: user.planned.iter().map(|plan| self.planned(plan)).collect(),
        }
    }

    fn planned(&self, plan: &Planned) -> PlannedView {
        PlannedView {
            effective: Time::from_ms(plan.effective_ms),
            office: self.office(plan.set.office),
            section: plan.set.section.clone(),
            post: plan.set.post.clone(),
        }
    }

    /// The first of them, which is the oldest.
    pub fn suspension(&self, suspensions: &[Suspension]) -> Option<SuspensionView> {
        let everywhere = suspensions.iter().any(|suspension| suspension.scope == Scope::Everywhere);
        suspensions.first().map(|suspension| SuspensionView {
            at: Time::from_ms(suspension.at_ms),
            by: self.somebody(suspension.by),
            reason: suspension.reason.clone(),
            everywhere,
        })
    }

    fn somebody(&self, user: UserId) -> Option<PersonRef> {
        (!user.is_nil()).then(|| self.person(user))
    }

    pub fn request(&self, request: &Request) -> DeviceRequestView {
        DeviceRequestView {
            id: request.entry.as_uuid(),
            user: self.person(request.user),
            by: self.person(request.by),
            at: Time::from_ms(request.at_ms),
            reason: request.reason.clone(),
            state: match request.outcome {
                None => RequestState::Open,
                Some(RequestOutcome::Issued) => RequestState::Issued,
                Some(RequestOutcome::Declined) => RequestState::Declined,
            },
        }
    }

    pub fn post(&self, post: &Post) -> PostView {
        PostView {
            id: post.id.as_uuid(),
            name: post.name.clone(),
            kana: post.kana.clone(),
            kind: match post.kind {
                ledger::PostKind::Post => PostKind::Post,
                ledger::PostKind::Team => PostKind::Team,
            },
            office: self.office(post.office),
            holders: post.holders.iter().map(|user| self.person(*user)).collect(),
            deputies: post.deputies.iter().map(|user| self.person(*user)).collect(),
        }
    }

    pub fn administrator_key(
        &self,
        id: EntryId,
        user: UserId,
        key: &[u8; 32],
        state: KeyState,
    ) -> AdministratorKeyView {
        AdministratorKeyView {
            id: id.as_uuid(),
            user: self.person(user),
            fingerprint: Fingerprint::of_administrator_key(key).to_string(),
            state,
            at: Time::from_ms(minted_ms(id)),
        }
    }

    pub fn revocation(&self, revoked: &Revoked) -> RevocationView {
        RevocationView {
            at: Time::from_ms(revoked.at_ms),
            by: self.somebody(revoked.by),
            reason: revoked.reason.clone(),
        }
    }
}

pub(crate) const fn employment(employment: ledger::Employment) -> Employment {
    match employment {
        ledger::Employment::Regular => Employment::Regular,
        ledger::Employment::FixedTerm => Employment::FixedTerm,
        ledger::Employment::SectionAccount => Employment::SectionAccount,
    }
}

pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Devices sorted by person, then by age.
pub(crate) fn by_owner<'d>(directory: &'d Directory, devices: &mut [&'d DeviceRecord]) {
    let kana = |user| directory.user(user).map(|user| user.kana.clone()).unwrap_or_default();
    devices.sort_by_cached_key(|device| (kana(device.user), device.user, device.entry));
}
