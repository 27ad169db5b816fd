//! Offices, nodes, invitations, posts, policy and rules.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::view::{
    InvitationView, KnownNodeView, OfficeKind, OfficeRef, OfficeView, PolicyView, PostKind, PostView, RulesView,
    UsageView,
};
use noroshi_node::{NewInvitation, NewOffice, NewPost, OfficeEdit};
use noroshi_provisioning::{NodeAddress, OfficeId, PostId};
use noroshi_sync::id::{EntryId, NodeId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Items;
use super::devices::ReasonRequest;
use crate::auth::Session;
use crate::extract::{Id, Json, Path, Query};
use crate::problem::Problem;
use crate::state::State;

/// How long an invitation is good when nothing is said, hours.
const INVITATION_HOURS: u16 = 72;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OfficePath {
    #[param(value_type = Uuid)]
    pub office: Id<OfficeId>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct NodePath {
    #[param(value_type = String)]
    pub node: Id<NodeId>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct InvitationPath {
    #[param(value_type = Uuid)]
    pub invitation: Id<EntryId>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PostPath {
    #[param(value_type = Uuid)]
    pub post: Id<PostId>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfficeRequest {
    pub name: String,
    #[serde(default)]
    pub kana: String,
    pub kind: OfficeKind,
    #[serde(default)]
    pub hub: bool,
}

/// Make an office. Signed.
#[utoipa::path(
    post, path = "/api/v1/offices", tag = "administration", operation_id = "add_office", request_body = OfficeRequest,
    responses((status = 201, body = OfficeView))
)]
pub async fn add_office(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<OfficeRequest>,
) -> Result<(StatusCode, Answer<OfficeView>), Problem> {
    let OfficeRequest { name, kana, kind, hub } = request;
    let made = state.node.add_office(&session.actor, NewOffice { name, kana, kind: kind.into(), hub }).await?;
    Ok((StatusCode::CREATED, Answer(made)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfficeEditRequest {
    pub name: Option<String>,
    pub kana: Option<String>,
    pub kind: Option<OfficeKind>,
    pub hub: Option<bool>,
}

/// Change an office. Signed.
#[utoipa::path(
    patch, path = "/api/v1/offices/{office}", tag = "administration", operation_id = "edit_office", params(OfficePath),
    request_body = OfficeEditRequest, responses((status = 200, body = OfficeView), (status = 404))
)]
pub async fn edit_office(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<OfficePath>,
    Json(request): Json<OfficeEditRequest>,
) -> Result<Answer<OfficeView>, Problem> {
    let OfficeEditRequest { name, kana, kind, hub } = request;
    let edit = OfficeEdit { name, kana, kind: kind.map(Into::into), hub };
    Ok(Answer(state.node.edit_office(&session.actor, path.office.0, edit).await?))
}

/// The other offices at which the people of this one may log in.
#[utoipa::path(
    get, path = "/api/v1/offices/{office}/roaming", tag = "administration", operation_id = "get_roaming",
    params(OfficePath), responses((status = 200, body = Items<OfficeRef>), (status = 404))
)]
pub async fn roaming(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<OfficePath>,
) -> Result<Answer<Items<OfficeRef>>, Problem> {
    Ok(Answer(Items::all(state.node.roaming(&session.actor, path.office.0)?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoamingRequest {
    #[schema(value_type = Vec<Uuid>)]
    pub offices: Vec<Id<OfficeId>>,
}

/// Say at which other offices the people of this one may log in: those then hold what their passwords are checked against.
/// Signed.
#[utoipa::path(
    put, path = "/api/v1/offices/{office}/roaming", tag = "administration", operation_id = "set_roaming",
    params(OfficePath), request_body = RoamingRequest,
    responses((status = 200, body = Items<OfficeRef>), (status = 404), (status = 422))
)]
pub async fn set_roaming(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<OfficePath>,
    Json(request): Json<RoamingRequest>,
) -> Result<Answer<Items<OfficeRef>>, Problem> {
    let hosts = request.offices.into_iter().map(|office| office.0).collect();
    let hosts = state.node.set_roaming(&session.actor, path.office.0, hosts).await?;
    Ok(Answer(Items::all(hosts)))
}

/// Every node there is or was.
#[utoipa::path(
    get, path = "/api/v1/nodes", tag = "administration", operation_id = "list_nodes",
    responses((status = 200, body = Items<KnownNodeView>), (status = 403))
)]
pub async fn nodes(
    Extracted(state): Extracted<State>,
    session: Session,
) -> Result<Answer<Items<KnownNodeView>>, Problem> {
    Ok(Answer(Items::all(state.node.nodes(&session.actor).await?)))
}

/// Put a node out for ever: it was stolen, or is not to be trusted. Signed.
#[utoipa::path(
    post, path = "/api/v1/nodes/{node}/revocation", tag = "administration", operation_id = "revoke_node",
    params(NodePath), request_body = ReasonRequest, responses((status = 201, body = KnownNodeView), (status = 404))
)]
pub async fn revoke(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<NodePath>,
    Json(request): Json<ReasonRequest>,
) -> Result<(StatusCode, Answer<KnownNodeView>), Problem> {
    state.node.revoke_node(&session.actor, path.node.0, request.reason).await?;
    let id = path.node.0.to_string();
    let known = state.node.nodes(&session.actor).await?.into_iter().find(|node| node.id == id);
    Ok((StatusCode::CREATED, Answer(known.ok_or(Problem::NOT_FOUND)?)))
}

/// Invitations, the newest first; without their codes.
#[utoipa::path(
    get, path = "/api/v1/invitations", tag = "administration", operation_id = "list_invitations",
    responses((status = 200, body = Items<InvitationView>), (status = 403))
)]
pub async fn invitations(
    Extracted(state): Extracted<State>,
    session: Session,
) -> Result<Answer<Items<InvitationView>>, Problem> {
    Ok(Answer(Items::all(state.node.invitations(&session.actor).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationRequest {
    #[schema(value_type = Uuid)]
    pub office: Id<OfficeId>,
    /// What the node will be called; the name of the office when left out.
    pub node_name: Option<String>,
    /// 1–720.
    pub hours: Option<u16>,
    /// `host:port` where the new node finds this one; as the directory says when left out.
    pub addresses: Option<Vec<String>>,
}

/// An invitation with its code, which is shown once.
#[derive(Serialize, ToSchema)]
pub struct NewInvitationView {
    #[serde(flatten)]
    pub invitation: InvitationView,
    pub code: String,
    /// The code as a QR picture: an SVG.
    #[schema(nullable = false)]
    pub qr_svg: Option<String>,
}

/// Make a join code for one node. Signed.
#[utoipa::path(
    post, path = "/api/v1/invitations", tag = "administration", operation_id = "invite_node",
    request_body = InvitationRequest, responses((status = 201, body = NewInvitationView))
)]
pub async fn invite(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<InvitationRequest>,
) -> Result<(StatusCode, Answer<NewInvitationView>), Problem> {
    let directory = state.node.directory();
    let office = request.office.0;
    let named = directory.office(office).map(|office| office.name.clone()).unwrap_or_default();
    let addresses = match request.addresses {
        Some(texts) => texts.iter().map(|text| text.parse()).collect::<Result<Vec<NodeAddress>, _>>(),
        None => Ok(directory.node(state.node.id()).map(|node| node.addresses.clone()).unwrap_or_default()),
    };
    let new = NewInvitation {
        office,
        node_name: request.node_name.unwrap_or(named),
        hours: request.hours.unwrap_or(INVITATION_HOURS),
        addresses: addresses.map_err(|_| Problem::invalid("addresses", "invalid"))?,
    };
    let made = state.node.invite_node(&session.actor, new).await?;
    let qr_svg = crate::qr::svg(&made.code);
    let view = NewInvitationView { invitation: made.invitation, code: made.code, qr_svg };
    Ok((StatusCode::CREATED, Answer(view)))
}

/// Withdraw an invitation that nobody used. Signed.
#[utoipa::path(
    delete, path = "/api/v1/invitations/{invitation}", tag = "administration", operation_id = "cancel_invitation",
    params(InvitationPath), responses((status = 204), (status = 404), (status = 409))
)]
pub async fn cancel_invitation(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<InvitationPath>,
) -> Result<StatusCode, Problem> {
    state.node.cancel_invitation(&session.actor, path.invitation.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Posts (職) and teams (班).
#[utoipa::path(
    get, path = "/api/v1/posts", tag = "directory", operation_id = "list_posts",
    responses((status = 200, body = Items<PostView>))
)]
pub async fn posts(Extracted(state): Extracted<State>, session: Session) -> Result<Answer<Items<PostView>>, Problem> {
    Ok(Answer(Items::all(state.node.posts(&session.actor).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostRequest {
    pub name: String,
    #[serde(default)]
    pub kana: String,
    pub kind: PostKind,
    #[schema(value_type = Uuid)]
    pub office: Id<OfficeId>,
    #[schema(value_type = Vec<Uuid>)]
    pub holders: Vec<Id<UserId>>,
    /// In the order in which they stand in.
    #[schema(value_type = Vec<Uuid>)]
    pub deputies: Vec<Id<UserId>>,
}

impl From<PostRequest> for NewPost {
    fn from(request: PostRequest) -> Self {
        let people = |ids: Vec<Id<UserId>>| ids.into_iter().map(|id| id.0).collect();
        Self {
            name: request.name,
            kana: request.kana,
            kind: request.kind,
            office: request.office.0,
            holders: people(request.holders),
            deputies: people(request.deputies),
        }
    }
}

/// Make a post.
#[utoipa::path(
    post, path = "/api/v1/posts", tag = "administration", operation_id = "add_post", request_body = PostRequest,
    responses((status = 201, body = PostView))
)]
pub async fn add_post(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<PostRequest>,
) -> Result<(StatusCode, Answer<PostView>), Problem> {
    Ok((StatusCode::CREATED, Answer(state.node.set_post(&session.actor, None, request.into()).await?)))
}

/// Change a post.
#[utoipa::path(
    put, path = "/api/v1/posts/{post}", tag = "administration", operation_id = "set_post", params(PostPath),
    request_body = PostRequest, responses((status = 200, body = PostView), (status = 404))
)]
pub async fn set_post(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<PostPath>,
    Json(request): Json<PostRequest>,
) -> Result<Answer<PostView>, Problem> {
    Ok(Answer(state.node.set_post(&session.actor, Some(path.post.0), request.into()).await?))
}

/// End a post.
#[utoipa::path(
    delete, path = "/api/v1/posts/{post}", tag = "administration", operation_id = "end_post", params(PostPath),
    responses((status = 204), (status = 404))
)]
pub async fn end_post(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<PostPath>,
) -> Result<StatusCode, Problem> {
    state.node.end_post(&session.actor, path.post.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the organisation demands of devices and sessions.
#[utoipa::path(
    get, path = "/api/v1/policy", tag = "administration", operation_id = "get_policy",
    responses((status = 200, body = PolicyView))
)]
pub async fn policy(Extracted(state): Extracted<State>, _session: Session) -> Answer<PolicyView> {
    Answer(state.node.policy())
}

/// Set it. Signed.
#[utoipa::path(
    put, path = "/api/v1/policy", tag = "administration", operation_id = "set_policy", request_body = PolicyView,
    responses((status = 200, body = PolicyView))
)]
pub async fn set_policy(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<PolicyView>,
) -> Result<Answer<PolicyView>, Problem> {
    Ok(Answer(state.node.set_policy(&session.actor, request).await?))
}

/// The rules of use.
#[utoipa::path(
    get, path = "/api/v1/rules", tag = "administration", operation_id = "get_rules",
    responses((status = 200, body = RulesView), (status = 404, description = "There are none"))
)]
pub async fn rules(Extracted(state): Extracted<State>, session: Session) -> Result<Answer<RulesView>, Problem> {
    Ok(Answer(state.node.rules(&session.actor)?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesRequest {
    /// Plain text, 1–15,000 characters.
    pub text: String,
}

/// New rules of use; everybody is asked to accept them. Signed.
#[utoipa::path(
    put, path = "/api/v1/rules", tag = "administration", operation_id = "set_rules", request_body = RulesRequest,
    responses((status = 200, body = RulesView))
)]
pub async fn set_rules(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<RulesRequest>,
) -> Result<Answer<RulesView>, Problem> {
    Ok(Answer(state.node.set_rules(&session.actor, request.text).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptanceRequest {
    #[schema(value_type = Uuid)]
    pub version: Id<EntryId>,
}

/// Accept the rules of use.
#[utoipa::path(
    post, path = "/api/v1/rules/acceptance", tag = "administration", operation_id = "accept_rules",
    request_body = AcceptanceRequest, responses((status = 204), (status = 404), (status = 409))
)]
pub async fn accept_rules(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<AcceptanceRequest>,
) -> Result<StatusCode, Problem> {
    state.node.accept_rules(&session.actor, request.version.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UsageQuery {
    #[param(example = "2026-11")]
    pub month: String,
}

/// How the rooms were used in a month, by section, of the offices one looks after.
#[utoipa::path(
    get, path = "/api/v1/usage", tag = "administration", operation_id = "usage", params(UsageQuery),
    responses((status = 200, body = UsageView), (status = 403), (status = 422))
)]
pub async fn usage(
    Extracted(state): Extracted<State>,
    session: Session,
    Query(query): Query<UsageQuery>,
) -> Result<Answer<UsageView>, Problem> {
    Ok(Answer(state.node.usage(&session.actor, &query.month).await?))
}
