//! A list as its administrator sees it.

use noroshi_provisioning::Directory;
use noroshi_provisioning::roster::{Addition, FieldChange, FieldValue, Person, Problem, Revision, employment_word};

use super::kept::Kept;
use crate::render::People;
use crate::store::query::ImportRow;
use crate::view::{
    ImportChange, ImportDiff, ImportEnd, ImportField, ImportFile, ImportNew, ImportPerson, ImportProblem, ImportView,
    PersonRef, Time, Wording,
};

impl Kept {
    pub fn view(&self, row: &ImportRow, directory: &Directory, wording: Wording) -> ImportView {
        let people = People::of(directory);
        let problems = self.problems.iter().chain(&self.plan.problems);
        ImportView {
            id: row.id,
            created_at: Time::from_ms(row.created_ms),
            by: people.person(row.user),
            state: row.state,
            file: ImportFile {
                rows: self.count,
                encoding: self.encoding.word().to_owned(),
                columns: self.headings.clone(),
                preview: self.preview.clone(),
            },
            problems: problems.map(|found| problem(found, wording)).collect(),
            diff: ImportDiff {
                add: self.plan.additions.iter().map(|addition| addition_view(addition, people)).collect(),
                change: self.plan.revisions.iter().flat_map(|revision| changes(revision, people)).collect(),
                end: self.plan.revisions.iter().filter_map(ending).collect(),
                same: self.plan.same,
                absent: self.plan.absent,
            },
            letters: None,
        }
    }
}

/// For lists of lists: who and how many, without the details of everybody.
pub fn brief(mut view: ImportView) -> ImportView {
    for change in &mut view.diff.change {
        change.fields = Vec::new();
    }
    view.problems.truncate(1);
    view.file.preview = Vec::new();
    view
}

fn problem(problem: &Problem, wording: Wording) -> ImportProblem {
    ImportProblem {
        row: problem.row,
        column: problem.column.clone(),
        code: problem.code.word().to_owned(),
        message: match wording {
            Wording::Japanese => problem.japanese(),
            Wording::English => problem.english(),
        },
    }
}

fn addition_view(addition: &Addition, people: People<'_>) -> ImportNew {
    let Person { profile, details, roles } = addition.person.clone();
    let person = ImportPerson {
        number: details.number,
        login: profile.login,
        name: profile.name,
        kana: profile.kana,
        office: people.office(profile.office),
        section_code: details.section_code,
        section: profile.section,
        post: profile.post,
        email: details.email,
        phone: details.phone,
        muster_class: details.muster_class,
        muster_place: details.muster_place,
        qualifications: details.qualifications,
        employment: employment_word(details.employment).to_owned(),
        roles: roles.into_iter().map(Into::into).collect(),
        valid_from: details.valid_from_ms.map(Time::from_ms),
        valid_until: details.valid_until_ms.map(Time::from_ms),
    };
    ImportNew { row: addition.row, person }
}

/// What changes at once, and what on each day to come.
fn changes(revision: &Revision, people: People<'_>) -> Vec<ImportChange> {
    let (before, after) = (&revision.before, &revision.after);
    let mut at_once = before.person.changes(&after.person);
    if ending(revision).is_some() {
        at_once.retain(|change| change.field != "valid_until");
    }
    let now = (!at_once.is_empty()).then_some((None, at_once));
    let planned = after.planned.iter().filter(|plan| !before.planned.contains(plan)).map(|plan| {
        let fields = before.profile_at(plan.effective_ms).changes(&plan.profile);
        (Some(Time::from_ms(plan.effective_ms)), fields)
    });
    let change = |(effective, fields): (Option<Time>, Vec<FieldChange>)| ImportChange {
        row: revision.row,
        user: person(revision),
        fields: fields.into_iter().map(|field| field_view(field, people)).collect(),
        effective,
    };
    now.into_iter().chain(planned).map(change).collect()
}

/// Whoever gets an end, or another one.
fn ending(revision: &Revision) -> Option<ImportEnd> {
    let (before, after) = (&revision.before.person.details, &revision.after.person.details);
    let until = after.valid_until_ms.filter(|until| before.valid_until_ms != Some(*until))?;
    Some(ImportEnd { row: revision.row, user: person(revision), valid_until: Some(Time::from_ms(until)) })
}

fn person(revision: &Revision) -> PersonRef {
    PersonRef { id: revision.user.as_uuid(), name: revision.before.person.profile.name.clone() }
}

fn field_view(change: FieldChange, people: People<'_>) -> ImportField {
    let text = |value| match value {
        FieldValue::Text(text) => text,
        FieldValue::Office(office) => people.office(office).name,
    };
    ImportField { field: change.field.to_owned(), from: text(change.from), to: text(change.to) }
}
