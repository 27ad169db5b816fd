//! A plan as entries of the ledger.

use noroshi_sync::entry::Draft;
use noroshi_sync::id::{EntryId, UserId};
use uuid::Uuid;

use super::person::{Person, Planned, Snapshot};
use super::undo::Undo;
use super::{Addition, Plan};
use crate::body::Body;
use crate::field::InvalidField;
use crate::ledger::{LedgerWriter, UserTransfer};
use crate::password::{InitialPassword, NotMade};
use crate::signer::Signer;

/// What carrying out a plan takes and gives.
#[derive(Debug)]
pub struct Outcome {
    /// For one transaction.
    pub drafts: Vec<Draft>,
    /// For the people who are new or come back. This is the only time their passwords are seen.
    pub letters: Vec<Letter>,
    pub undo: Undo,
}

/// What somebody new is told, or somebody who comes back and has forgotten the old password.
#[derive(Debug)]
pub struct Letter {
    pub user: UserId,
    pub person: Person,
    pub initial_password: InitialPassword,
}

/// Why a plan is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCarriedOut {
    #[error("the list has problems")]
    Problems,
    #[error("somebody of the list is not in the directory")]
    Unknown,
    #[error(transparent)]
    Field(#[from] InvalidField),
    #[error(transparent)]
    Password(#[from] NotMade),
}

impl Plan {
    /// The entries for everything in the plan, which must be of the writer's directory. `mint` makes UUIDs of version 7.
    /// Costs half a millisecond for each person who is new.
    pub fn carry_out<S: Signer>(
        &self,
        writer: LedgerWriter<'_, S>,
        mint: &mut dyn FnMut() -> Uuid,
        now_ms: u64,
    ) -> Result<Outcome, NotCarriedOut> {
        if self.problems.iter().any(super::Problem::prevents) {
            return Err(NotCarriedOut::Problems);
        }
        let mut pen = Pen { writer, mint, now_ms, drafts: Vec::new() };
        let mut letters = Vec::with_capacity(self.additions.len());
        let mut undo = Undo::default();
        for addition in &self.additions {
            let letter = pen.add(addition)?;
            undo.added.push((letter.user, addition.person.clone()));
            letters.push(letter);
        }
        for revision in &self.revisions {
            pen.revise(revision.user, &revision.before, &revision.after)?;
            if revision.brings_back(now_ms) {
                letters.push(pen.letter(revision.user, &revision.after.person)?);
            }
            undo.revised.push((revision.user, revision.before.clone(), revision.after.clone()));
        }
        Ok(Outcome { drafts: pen.drafts, letters, undo })
    }
}

/// Writes entries one after the other.
pub(super) struct Pen<'a, 'b, S> {
    pub writer: LedgerWriter<'a, S>,
    pub mint: &'b mut dyn FnMut() -> Uuid,
    pub now_ms: u64,
    pub drafts: Vec<Draft>,
}

impl<S: Signer> Pen<'_, '_, S> {
    fn id(&mut self) -> EntryId {
        EntryId::from_uuid((self.mint)())
    }

    fn add(&mut self, addition: &Addition) -> Result<Letter, NotCarriedOut> {
        let user = UserId::from_uuid((self.mint)());
        let person = &addition.person;
        let (set, details) = (self.id(), self.id());
        self.drafts.push(self.writer.user(set, person.profile.to_set(user))?);
        self.drafts.push(self.writer.details(details, user, person.details.clone())?);
        for role in &person.roles {
            let id = self.id();
            self.drafts.push(self.writer.grant(id, user, *role)?);
        }
        self.letter(user, person)
    }

    /// Gives a person a password. The last entry about the person, so that it wins over a copy of an old one.
    fn letter(&mut self, user: UserId, person: &Person) -> Result<Letter, NotCarriedOut> {
        let initial_password = InitialPassword::random()?;
        let (id, verifier) = (self.id(), initial_password.verifier()?);
        self.drafts.push(self.writer.password(id, user, person.profile.office, verifier)?);
        Ok(Letter { user, person: person.clone(), initial_password })
    }

    /// Brings a person from one state to another.
    pub fn revise(&mut self, user: UserId, before: &Snapshot, after: &Snapshot) -> Result<(), NotCarriedOut> {
        let (from, to) = (&before.person, &after.person);
        self.set_profile(user, before, after)?;
        if from.details != to.details {
            let id = self.id();
            self.drafts.push(self.writer.details(id, user, to.details.clone())?);
        }
        for role in to.roles.difference(&from.roles) {
            let id = self.id();
            self.drafts.push(self.writer.grant(id, user, *role)?);
        }
        for role in from.roles.difference(&to.roles) {
            let id = self.id();
            self.drafts.push(self.writer.remove(id, user, *role, self.now_ms)?);
        }
        self.carry_verifier(user, before, after)
    }

    /// The profile, and after it every plan anew: a plan must name what it replaces, which is whatever is in force before
    /// it, or the later of the two would win by the time of its writing.
    fn set_profile(&mut self, user: UserId, before: &Snapshot, after: &Snapshot) -> Result<(), NotCarriedOut> {
        let changed = before.person.profile != after.person.profile;
        if !changed && before.planned == after.planned {
            return Ok(());
        }
        let known = self.writer.directory.user(user).ok_or(NotCarriedOut::Unknown)?;
        let mut replaces: Vec<EntryId> = known.heads.clone();
        if changed {
            let id = self.id();
            self.drafts.push(self.writer.user(id, after.person.profile.to_set(user))?);
            replaces.push(id);
        }
        replaces.extend(known.planned.iter().map(|plan| plan.entry));
        let mut plans = after.planned.clone();
        for former in &known.planned {
            // What is planned no more is planned to change nothing.
            if !plans.iter().any(|plan| plan.effective_ms == former.effective_ms) {
                let profile = after.profile_at(former.effective_ms);
                plans.push(Planned { effective_ms: former.effective_ms, profile });
            }
        }
        plans.sort_by_key(|plan| plan.effective_ms);
        for plan in plans {
            let id = self.id();
            let mut set = plan.profile.to_set(user);
            set.replaces.clone_from(&replaces);
            self.draft_in_directory(id, &UserTransfer { effective_ms: plan.effective_ms, set })?;
            replaces.push(id);
        }
        Ok(())
    }

    fn draft_in_directory<B: Body>(&mut self, id: EntryId, body: &B) -> Result<(), NotCarriedOut> {
        let room = self.writer.directory.rooms().directory;
        self.drafts.push(self.writer.signer.draft(room, id, self.writer.device, body)?);
        Ok(())
    }

    /// The offices where the person will be need what the password is checked against; they do not hold the secrets of
    /// the office where the person is.
    fn carry_verifier(&mut self, user: UserId, before: &Snapshot, after: &Snapshot) -> Result<(), NotCarriedOut> {
        let Some(verifier) = self.writer.directory.verifier(user).cloned() else { return Ok(()) };
        let known: Vec<_> = offices(before).collect();
        let mut new: Vec<_> = offices(after).filter(|office| !known.contains(office)).collect();
        new.dedup();
        for office in new {
            let id = self.id();
            self.drafts.push(self.writer.password(id, user, office, verifier.clone())?);
        }
        Ok(())
    }
}

fn offices(snapshot: &Snapshot) -> impl Iterator<Item = crate::id::OfficeId> {
    let planned = snapshot.planned.iter().map(|plan| plan.profile.office);
    std::iter::once(snapshot.person.profile.office).chain(planned)
}
