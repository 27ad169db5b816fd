//! People as administrators see and change them.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::deeds::Stopped;
use noroshi_node::view::{Employment, NewPersonView, PersonView, Role, Standing, Time};
use noroshi_node::{NewPerson, PersonEdit};
use noroshi_provisioning::OfficeId;
use noroshi_sync::id::UserId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Items;
use super::devices::ReasonRequest;
use crate::auth::Session;
use crate::extract::{Id, Json, Path, Query};
use crate::limits::QUERY_MAX;
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PeopleQuery {
    /// Part of a name, its reading, a section, a post, an employee number or a login name.
    pub q: Option<String>,
    #[param(value_type = Option<Uuid>)]
    pub office: Option<Id<OfficeId>>,
    pub section: Option<String>,
    pub state: Option<Standing>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PersonPath {
    #[param(value_type = Uuid)]
    pub user: Id<UserId>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct RolePath {
    #[param(value_type = Uuid)]
    pub user: Id<UserId>,
    pub role: Role,
}

/// The people one looks after, by office, section and reading of the name.
#[utoipa::path(
    get, path = "/api/v1/people", tag = "people", operation_id = "list_people", params(PeopleQuery),
    responses((status = 200, body = Items<PersonView>), (status = 403))
)]
pub async fn list(
    Extracted(state): Extracted<State>,
    session: Session,
    Query(query): Query<PeopleQuery>,
) -> Result<Answer<Items<PersonView>>, Problem> {
    let text = query.q.unwrap_or_default();
    if text.chars().nth(QUERY_MAX).is_some() {
        return Err(Problem::invalid("q", "too_long"));
    }
    let office = query.office.map(|office| office.0);
    let mut people = state.node.people(&session.actor, &text, office, query.state).await?;
    people.retain(|person| query.section.as_ref().is_none_or(|section| person.user.section == *section));
    Ok(Answer(Items::all(people)))
}

/// One person.
#[utoipa::path(
    get, path = "/api/v1/people/{user}", tag = "people", operation_id = "get_person", params(PersonPath),
    responses((status = 200, body = PersonView), (status = 403), (status = 404))
)]
pub async fn get(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<PersonPath>,
) -> Result<Answer<PersonView>, Problem> {
    Ok(Answer(state.node.person(&session.actor, path.user.0).await?))
}

/// A person to be made, or what is to change of one. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonRequest {
    pub login: Option<String>,
    pub name: Option<String>,
    /// Reading in hiragana.
    pub kana: Option<String>,
    #[schema(value_type = Option<Uuid>)]
    pub office: Option<Id<OfficeId>>,
    pub section: Option<String>,
    pub post: Option<String>,
    /// Only when a person is made; afterwards by the calls for roles.
    pub roles: Option<Vec<Role>>,
    pub number: Option<String>,
    pub section_code: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub muster_class: Option<String>,
    pub muster_place: Option<String>,
    pub qualifications: Option<String>,
    pub employment: Option<Employment>,
    /// RFC 3339 or a date of Japan; empty text takes the limit away.
    pub valid_from: Option<String>,
    pub valid_until: Option<String>,
}

impl PersonRequest {
    fn edit(self) -> Result<(PersonEdit, Vec<Role>), Problem> {
        let edit = PersonEdit {
            login: self.login,
            name: self.name,
            kana: self.kana,
            office: self.office.map(|office| office.0),
            section: self.section,
            post: self.post,
            number: self.number,
            section_code: self.section_code,
            email: self.email,
            phone: self.phone,
            muster_class: self.muster_class,
            muster_place: self.muster_place,
            qualifications: self.qualifications,
            employment: self.employment,
            valid_from_ms: limit("valid_from", self.valid_from.as_deref())?,
            valid_until_ms: limit("valid_until", self.valid_until.as_deref())?,
        };
        Ok((edit, self.roles.unwrap_or_default()))
    }
}

fn limit(field: &'static str, text: Option<&str>) -> Result<Option<Option<u64>>, Problem> {
    match text {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => Time::parse(text).map(|ms| Some(Some(ms))).ok_or(Problem::invalid(field, "invalid")),
    }
}

/// Make a person. Signed. The initial password is shown once.
#[utoipa::path(
    post, path = "/api/v1/people", tag = "people", operation_id = "add_person", request_body = PersonRequest,
    responses((status = 201, body = NewPersonView))
)]
pub async fn add(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<PersonRequest>,
) -> Result<(StatusCode, Answer<NewPersonView>), Problem> {
    let (edit, roles) = request.edit()?;
    let roles = roles.into_iter().map(Into::into).collect();
    let made = state.node.add_person(&session.actor, NewPerson { edit, roles }).await?;
    Ok((StatusCode::CREATED, Answer(made)))
}

/// Change a person. Signed.
#[utoipa::path(
    patch, path = "/api/v1/people/{user}", tag = "people", operation_id = "edit_person", params(PersonPath),
    request_body = PersonRequest, responses((status = 200, body = PersonView), (status = 404))
)]
pub async fn edit(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<PersonPath>,
    Json(request): Json<PersonRequest>,
) -> Result<Answer<PersonView>, Problem> {
    let (edit, roles) = request.edit()?;
    if !roles.is_empty() {
        return Err(Problem::invalid("role", "not_allowed"));
    }
    Ok(Answer(state.node.edit_person(&session.actor, path.user.0, edit).await?))
}

#[derive(Serialize, ToSchema)]
pub struct InitialPassword {
    pub initial_password: String,
}

/// Make a new password for a person; it is shown once, and the person's log-ins end. Signed.
#[utoipa::path(
    post, path = "/api/v1/people/{user}/password", tag = "people", operation_id = "reset_password", params(PersonPath),
    responses((status = 200, body = InitialPassword), (status = 404))
)]
pub async fn reset_password(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<PersonPath>,
) -> Result<Answer<InitialPassword>, Problem> {
    let initial_password = state.node.reset_password(&session.actor, path.user.0).await?;
    Ok(Answer(InitialPassword { initial_password }))
}

/// Give a role. Signed.
#[utoipa::path(
    put, path = "/api/v1/people/{user}/roles/{role}", tag = "people", operation_id = "grant_role", params(RolePath),
    responses((status = 204), (status = 404))
)]
pub async fn grant(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RolePath>,
) -> Result<StatusCode, Problem> {
    state.node.set_role(&session.actor, path.user.0, path.role.into(), true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a role. Signed.
#[utoipa::path(
    delete, path = "/api/v1/people/{user}/roles/{role}", tag = "people", operation_id = "remove_role", params(RolePath),
    responses((status = 204), (status = 404))
)]
pub async fn remove(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RolePath>,
) -> Result<StatusCode, Problem> {
    state.node.set_role(&session.actor, path.user.0, path.role.into(), false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stop a person; whatever they have open at this node ends within a second.
#[utoipa::path(
    post, path = "/api/v1/people/{user}/suspension", tag = "people", operation_id = "suspend_person", params(PersonPath),
    request_body = ReasonRequest, responses((status = 201, body = PersonView), (status = 404))
)]
pub async fn suspend(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<PersonPath>,
    Json(request): Json<ReasonRequest>,
) -> Result<(StatusCode, Answer<PersonView>), Problem> {
    state.node.suspend(&session.actor, Stopped::User(path.user.0), request.reason).await?;
    Ok((StatusCode::CREATED, Answer(state.node.person(&session.actor, path.user.0).await?)))
}

/// Let a person in again. Signed.
#[utoipa::path(
    delete, path = "/api/v1/people/{user}/suspension", tag = "people", operation_id = "lift_person", params(PersonPath),
    responses((status = 204), (status = 404))
)]
pub async fn lift(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<PersonPath>,
) -> Result<StatusCode, Problem> {
    state.node.lift(&session.actor, Stopped::User(path.user.0)).await?;
    Ok(StatusCode::NO_CONTENT)
}
