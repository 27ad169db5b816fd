//! Staff lists: read first, applied when an administrator has seen what they would do, taken back when it was wrong.

mod kept;
mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

use noroshi_provisioning::audit::{AuditEvent, AuditKind, Statement, Subject, statements};
use noroshi_provisioning::key::KeyPair;
use noroshi_provisioning::ledger::LedgerWriter;
use noroshi_provisioning::roster::{self, EncodingChoice, NotCarriedOut, Plan, Unreadable};
use noroshi_provisioning::{AdministratorKey, Directory};
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{DeviceId, UserId};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use self::kept::Kept;
use crate::deeds::Desk;
use crate::error::ServiceError;
use crate::node::{Inner, Node};
use crate::render::People;
use crate::rights::{Action, Object, may};
use crate::store::query::ImportRow;
use crate::view::{Actor, ImportLetter, ImportState, ImportView, Wording};

/// Lists that nobody applied are forgotten after a week, milliseconds.
const DRAFT_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// Lists shown at once.
const IMPORTS_PAGE: u32 = 10;
/// How often a list is prepared anew because somebody changed the directory meanwhile.
const ATTEMPTS: usize = 5;

/// The right to work with one list, while nobody else does. To be had before the bytes of a file are taken.
pub struct Importing {
    inner: Arc<Inner>,
    actor: Actor,
    _permit: OwnedSemaphorePermit,
}

impl Node {
    /// Begins to work with a staff list.
    ///
    /// # Errors
    /// `Forbidden` for all but system administrators; `Denied("import_running")` while another one is worked with.
    pub fn begin_import(&self, actor: &Actor) -> Result<Importing, ServiceError> {
        self.inner.check_may_import(actor)?;
        let permit = self.inner.imports.clone().try_acquire_owned();
        let permit = permit.map_err(|_| ServiceError::Denied("import_running"))?;
        Ok(Importing { inner: self.inner.clone(), actor: actor.clone(), _permit: permit })
    }

    /// The newest lists; of what they do only how many and who.
    pub async fn imports(&self, actor: &Actor, wording: Wording) -> Result<Vec<ImportView>, ServiceError> {
        self.inner.check_may_import(actor)?;
        let rows = self.inner.read(|database| Ok(database.imports(IMPORTS_PAGE)?)).await?;
        let directory = self.inner.directory();
        // Lists of ten thousand people take their time to be unpacked.
        let brief = move |row: &ImportRow| Ok(shown::brief(Kept::of(row)?.view(row, &directory, wording)));
        off_the_runtime(move || rows.iter().map(brief).collect()).await
    }

    pub async fn import(&self, actor: &Actor, id: Uuid, wording: Wording) -> Result<ImportView, ServiceError> {
        self.inner.check_may_import(actor)?;
        let row = self.inner.read(move |database| Ok(database.import(id)?)).await?.ok_or(ServiceError::NotFound)?;
        Ok(Kept::of(&row)?.view(&row, &self.inner.directory(), wording))
    }
}

impl Inner {
    fn check_may_import(&self, actor: &Actor) -> Result<(), ServiceError> {
        may(&self.directory(), actor, Action::ManagePeople, Object::Organisation)
    }
}

impl Importing {
    /// Reads a file and keeps it as a draft. Nothing changes yet.
    ///
    /// # Errors
    /// `Invalid` and `TooLarge` for files of which nothing can be shown. What is wrong with rows is in the view.
    pub async fn read(
        self,
        bytes: Vec<u8>,
        choice: EncodingChoice,
        wording: Wording,
    ) -> Result<ImportView, ServiceError> {
        let (directory, now_ms) = (self.inner.directory(), self.inner.clock.wall_ms());
        let planned = directory.clone();
        let kept = off_the_runtime(move || {
            let roster = roster::read(&bytes, choice).map_err(unreadable)?;
            let plan = Plan::of(&roster.rows, &planned, now_ms);
            Ok(Kept::new(roster, plan))
        });
        let kept = kept.await?;
        let row = ImportRow {
            id: Uuid::now_v7(),
            created_ms: now_ms,
            user: self.actor.user,
            state: ImportState::Draft,
            content: kept.encode(),
        };
        let view = kept.view(&row, &directory, wording);
        let by = (self.actor.user, self.actor.device);
        self.inner.act(move |desk| desk.keep_import(&row, by)).await?;
        Ok(view)
    }

    /// Does what the draft shows, in one transaction signed with the administrator's key, and tells the initial passwords.
    ///
    /// # Errors
    /// `Denied`: `import_not_draft`, `import_has_problems`, or `directory_changed` when it would do something else now
    /// than what was shown; then the draft shows that.
    pub async fn apply(self, key: &AdministratorKey, id: Uuid, wording: Wording) -> Result<ImportView, ServiceError> {
        for _ in 0..ATTEMPTS {
            let (row, mut kept) = self.load(id, ImportState::Draft, "import_not_draft").await?;
            let (directory, now_ms) = (self.inner.directory(), self.inner.clock.wall_ms());
            let (signing, device) = (copy(key)?, self.actor.device);
            let (rows, shown, planned) = (kept.rows.clone(), kept.plan.clone(), directory.clone());
            let carried_out = off_the_runtime(move || {
                let plan = Plan::of(&rows, &planned, now_ms);
                if !plan.does_the_same(&shown) {
                    return Ok(Prepared::Otherwise(Box::new(plan)));
                }
                let writer = LedgerWriter { directory: &planned, signer: &signing, device };
                plan.carry_out(writer, &mut Uuid::now_v7, now_ms).map(Prepared::Ready).map_err(not_carried_out)
            });
            let outcome = match carried_out.await? {
                Prepared::Ready(outcome) if kept.is_sound() => outcome,
                Prepared::Ready(_) => return Err(ServiceError::Denied("import_has_problems")),
                Prepared::Otherwise(plan) => {
                    kept.plan = *plan;
                    let content = kept.encode();
                    self.inner.act(move |desk| Ok(desk.writing.set_import(id, ImportState::Draft, &content)?)).await?;
                    return Err(ServiceError::Denied("directory_changed"));
                }
            };
            kept.apply(outcome.undo);
            let step = Step { id, directory: directory.clone(), from: row.state, to: ImportState::Applied };
            if !self.write(step, outcome.drafts, &kept).await? {
                continue;
            }
            let mut view = kept.view(&ImportRow { state: ImportState::Applied, ..row }, &directory, wording);
            view.letters = Some(letters(outcome.letters, &directory));
            return Ok(view);
        }
        Err(ServiceError::Busy)
    }

    /// Takes back what the list did, as far as nobody has changed it since; who keeps a change is named in the view.
    ///
    /// # Errors
    /// `Denied`: `import_not_applied`, `nothing_to_undo`, or `last_administrator`.
    pub async fn undo(self, key: &AdministratorKey, id: Uuid, wording: Wording) -> Result<ImportView, ServiceError> {
        for _ in 0..ATTEMPTS {
            let (row, mut kept) = self.load(id, ImportState::Applied, "import_not_applied").await?;
            let (directory, now_ms) = (self.inner.directory(), self.inner.clock.wall_ms());
            let (signing, device) = (copy(key)?, self.actor.device);
            let (undo, known) = (kept.undo.clone().unwrap_or_default(), directory.clone());
            let taken_back = off_the_runtime(move || {
                let writer = LedgerWriter { directory: &known, signer: &signing, device };
                undo.carry_out(writer, &mut Uuid::now_v7, now_ms).map_err(|error| match error {
                    NotCarriedOut::Problems => ServiceError::Denied("last_administrator"),
                    other => not_carried_out(other),
                })
            });
            let outcome = taken_back.await?;
            if outcome.drafts.is_empty() {
                return Err(ServiceError::Denied("nothing_to_undo"));
            }
            kept.take_back(outcome.kept);
            let step = Step { id, directory: directory.clone(), from: row.state, to: ImportState::Undone };
            if self.write(step, outcome.drafts, &kept).await? {
                return Ok(kept.view(&ImportRow { state: ImportState::Undone, ..row }, &directory, wording));
            }
        }
        Err(ServiceError::Busy)
    }

    async fn load(
        &self,
        id: Uuid,
        state: ImportState,
        otherwise: &'static str,
    ) -> Result<(ImportRow, Kept), ServiceError> {
        let row = self.inner.read(move |database| Ok(database.import(id)?)).await?.ok_or(ServiceError::NotFound)?;
        if row.state != state {
            return Err(ServiceError::Denied(otherwise));
        }
        let kept = Kept::of(&row)?;
        Ok((row, kept))
    }

    /// Writes the entries and what became of the list, unless the directory is another one by now.
    async fn write(&self, step: Step, drafts: Vec<Draft>, kept: &Kept) -> Result<bool, ServiceError> {
        let (content, actor) = (kept.encode(), self.actor.clone());
        self.inner
            .act(move |desk| {
                let current = desk.projection.current(desk.writing)?;
                may(&current.directory, &actor, Action::ManagePeople, Object::Organisation)?;
                desk.carry_out_import(&step, drafts, &content, (actor.user, actor.device))
            })
            .await
    }
}

/// What the off-runtime part of applying found.
enum Prepared {
    Ready(roster::Outcome),
    /// By now the list would do this.
    Otherwise(Box<Plan>),
}

/// From one state of a list to the next, prepared with what was known then.
struct Step {
    id: Uuid,
    directory: Arc<Directory>,
    from: ImportState,
    to: ImportState,
}

impl Desk<'_> {
    fn keep_import(&self, row: &ImportRow, by: (UserId, DeviceId)) -> Result<(), ServiceError> {
        self.writing.forget_drafts(row.created_ms.saturating_sub(DRAFT_KEPT_MS))?;
        self.writing.add_import(row)?;
        Ok(self.note(by, &about_import(AuditKind::ImportRead, row.id))?)
    }

    fn carry_out_import(
        &self,
        step: &Step,
        drafts: Vec<Draft>,
        content: &[u8],
        by: (UserId, DeviceId),
    ) -> Result<bool, ServiceError> {
        let current = self.projection.current(self.writing)?;
        let is_known = Arc::ptr_eq(&current.directory, &step.directory) || current.directory == step.directory;
        let state = self.writing.import(step.id)?.map(|row| row.state);
        if !is_known || state != Some(step.from) {
            return Ok(false);
        }
        self.writing.set_import(step.id, step.to, content)?;
        let kind = if step.to == ImportState::Undone { AuditKind::ImportUndone } else { AuditKind::ImportApplied };
        let event = counted(about_import(kind, step.id), &statements(&drafts, &current.directory));
        self.append_ledger_as(drafts, by, &event)?;
        Ok(true)
    }
}

fn about_import(kind: AuditKind, id: Uuid) -> AuditEvent {
    AuditEvent::new(kind, Some(Subject::Import(*id.as_bytes())))
}

/// The event, with how many people were made, changed, moved and so on.
fn counted(event: AuditEvent, said: &[Statement]) -> AuditEvent {
    let mut counts: BTreeMap<u16, u32> = BTreeMap::new();
    for statement in said {
        *counts.entry(statement.event.kind).or_default() += statement.event.count;
    }
    let named = counts.into_iter().filter_map(|(kind, count)| Some((AuditKind::of_number(kind)?.name(), count)));
    named.fold(event, |event, (name, count)| event.with(name, &count.to_string()))
}

fn letters(letters: Vec<roster::Letter>, directory: &Directory) -> Vec<ImportLetter> {
    let people = People::of(directory);
    let letter = |letter: roster::Letter| {
        let profile = letter.person.profile;
        ImportLetter {
            user: letter.user.as_uuid(),
            login: profile.login,
            name: profile.name,
            kana: profile.kana,
            office: people.office(profile.office),
            section: profile.section,
            initial_password: letter.initial_password.as_str().to_owned(),
        }
    };
    letters.into_iter().map(letter).collect()
}

/// For a thread of its own: the console may lock meanwhile.
fn copy(key: &AdministratorKey) -> Result<AdministratorKey, ServiceError> {
    let pair = KeyPair::from_seed(key.key().seed()).map_err(|error| ServiceError::Storage(error.to_string()))?;
    Ok(AdministratorKey::new(key.user(), key.entry(), pair))
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ServiceError::Busy)?
}

fn unreadable(error: Unreadable) -> ServiceError {
    let code = match error {
        Unreadable::TooLarge => {
            return ServiceError::TooLarge { what: "staff list", limit: roster::FILE_BYTES_MAX };
        }
        Unreadable::Empty => "empty_file",
        Unreadable::BrokenWorkbook => "broken_workbook",
        Unreadable::OldWorkbook => "old_workbook",
        Unreadable::WorkbookTooLarge => "workbook_too_large",
    };
    ServiceError::Invalid { field: "file", code }
}

fn not_carried_out(error: NotCarriedOut) -> ServiceError {
    match error {
        NotCarriedOut::Problems => ServiceError::Denied("import_has_problems"),
        NotCarriedOut::Unknown => ServiceError::Denied("directory_changed"),
        NotCarriedOut::Field(field) => ServiceError::Invalid { field: field.field, code: field.code },
        NotCarriedOut::Password(error) => ServiceError::Storage(error.to_string()),
    }
}
