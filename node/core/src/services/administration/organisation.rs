//! Offices, nodes, invitations, posts, policy and rules.

use std::collections::BTreeSet;

use noroshi_provisioning::ledger::{self, LedgerWriter, NodeInvite, OfficeSet, Policy, PostSet, minted_ms};
use noroshi_provisioning::{JoinCode, NodeAddress, OfficeId, OfficeKind, PostId, join};
use noroshi_sync::id::{EntryId, NodeId, UserId};
use ring::rand::{SecureRandom, SystemRandom};

use crate::deeds::invalid;
use crate::error::ServiceError;
use crate::node::Node;
use crate::render::{People, count};
use crate::rights::{Action, Object, may};
use crate::text::fold;
use crate::view::{
    Actor, InvitationView, KnownNodeView, OfficeRef, OfficeView, PeerState, PolicyView, PostKind, PostView, RulesView,
    Time,
};

/// Longest an invitation may be good, hours.
const INVITATION_HOURS_MAX: u16 = 24 * 30;
const HOUR_MS: u64 = 3_600_000;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewOffice {
    pub name: String,
    pub kana: String,
    pub kind: OfficeKind,
    pub hub: bool,
}

/// What is to change; `None` stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OfficeEdit {
    pub name: Option<String>,
    pub kana: Option<String>,
    pub kind: Option<OfficeKind>,
    pub hub: Option<bool>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewPost {
    pub name: String,
    pub kana: String,
    pub kind: PostKind,
    pub office: OfficeId,
    pub holders: Vec<UserId>,
    /// In the order in which they stand in.
    pub deputies: Vec<UserId>,
}

/// A node is invited for an office.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewInvitation {
    pub office: OfficeId,
    pub node_name: String,
    pub hours: u16,
    /// Where the new node finds this one.
    pub addresses: Vec<NodeAddress>,
}

/// An invitation with its code, which is shown once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invited {
    pub invitation: InvitationView,
    pub code: String,
}

impl Node {
    pub async fn add_office(&self, actor: &Actor, new: NewOffice) -> Result<OfficeView, ServiceError> {
        let office = OfficeId::from_uuid(uuid::Uuid::now_v7());
        let work = move |writer: &LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            let name = new.name.trim().to_owned();
            if writer.directory.offices().any(|office| office.name == name) {
                return Err(ServiceError::Invalid { field: "name", code: "name_taken" });
            }
            let (kana, replaces) = (new.kana.trim().to_owned(), Vec::new());
            let body = OfficeSet { office, name, kana, kind: new.kind, hub: new.hub, replaces };
            Ok(vec![writer.office(mint(), body).map_err(invalid)?])
        };
        self.signed(actor, Action::ManageOffices, Object::Organisation, Box::new(work)).await?;
        self.office_view(office)
    }

    pub async fn edit_office(
        &self,
        actor: &Actor,
        office: OfficeId,
        edit: OfficeEdit,
    ) -> Result<OfficeView, ServiceError> {
        let work = move |writer: &LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            let known = writer.directory.office(office).ok_or(ServiceError::NotFound)?;
            let text = |new: &Option<String>, old: &str| new.as_deref().unwrap_or(old).trim().to_owned();
            let body = OfficeSet {
                office,
                name: text(&edit.name, &known.name),
                kana: text(&edit.kana, &known.kana),
                kind: edit.kind.unwrap_or(known.kind),
                hub: edit.hub.unwrap_or(known.hub),
                replaces: Vec::new(),
            };
            Ok(vec![writer.office(mint(), body).map_err(invalid)?])
        };
        self.signed(actor, Action::ManageOffices, Object::Organisation, Box::new(work)).await?;
        self.office_view(office)
    }

    /// The other offices at which the people of this one may log in, by reading of the name.
    pub fn roaming(&self, actor: &Actor, office: OfficeId) -> Result<Vec<OfficeRef>, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::ManageOffices, Object::Organisation)?;
        directory.office(office).ok_or(ServiceError::NotFound)?;
        let mut hosts: Vec<_> = directory.roaming().filter(|(home, _)| *home == office).map(|(_, host)| host).collect();
        hosts.sort_by_cached_key(|host| (directory.office(*host).map(|office| fold(&office.kana)), *host));
        Ok(hosts.into_iter().map(|host| People::of(&directory).office(host)).collect())
    }

    /// Says at which other offices the people of this one may log in, besides headquarters.
    pub async fn set_roaming(
        &self,
        actor: &Actor,
        home: OfficeId,
        hosts: Vec<OfficeId>,
    ) -> Result<Vec<OfficeRef>, ServiceError> {
        let hosts: BTreeSet<OfficeId> = hosts.into_iter().collect();
        if hosts.contains(&home) {
            return Err(ServiceError::Invalid { field: "offices", code: "own_office" });
        }
        let work = move |writer: &LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            let directory = writer.directory;
            directory.office(home).ok_or(ServiceError::NotFound)?;
            if hosts.iter().any(|host| directory.office(*host).is_none()) {
                return Err(ServiceError::Invalid { field: "offices", code: "unknown_office" });
            }
            let now: BTreeSet<_> = directory.roaming().filter(|(of, _)| *of == home).map(|(_, host)| host).collect();
            let changes = now.symmetric_difference(&hosts);
            changes.map(|host| writer.roaming(mint(), home, *host, hosts.contains(host)).map_err(invalid)).collect()
        };
        self.signed(actor, Action::ManageOffices, Object::Organisation, Box::new(work)).await?;
        self.roaming(actor, home)
    }

    fn office_view(&self, office: OfficeId) -> Result<OfficeView, ServiceError> {
        let directory = self.inner.directory();
        let office = directory.office(office).ok_or(ServiceError::NotFound)?;
        Ok(People::of(&directory).office_view(office))
    }

    /// Every node there is or was, by office and name.
    pub async fn nodes(&self, actor: &Actor) -> Result<Vec<KnownNodeView>, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::SeeNodes, Object::Organisation)?;
        let people = People::of(&directory);
        let revoked = directory.revoked_nodes().map(|revoked| (&revoked.record, Some(people.revocation(revoked))));
        let mut all: Vec<_> = directory.nodes().map(|record| (record, None)).chain(revoked).collect();
        all.sort_by_cached_key(|(record, _)| (people.office(record.office).name, record.name.clone(), record.id));
        let here = self.id();
        let view = |(record, revoked): (&ledger::NodeRecord, _)| KnownNodeView {
            id: record.id.to_string(),
            short: record.id.short(),
            name: record.name.clone(),
            office: people.office(record.office),
            enrolled_at: Time::from_ms(minted_ms(record.entry)),
            addresses: record.addresses.iter().map(ToString::to_string).collect(),
            certificate_until: self.inner.board.certificate_until_ms(record.id, here).map(Time::from_ms),
            revoked,
            state: (record.id != here).then(|| self.inner.board.record(&record.id).state),
            here: record.id == here,
        };
        Ok(all.into_iter().map(view).collect())
    }

    /// Puts a node out for ever, and says what this node holds of it.
    pub async fn revoke_node(&self, actor: &Actor, node: NodeId, reason: String) -> Result<(), ServiceError> {
        if node == self.id() {
            return Err(ServiceError::Invalid { field: "node", code: "own_node" });
        }
        let work = move |writer: &LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            if writer.directory.revoked(node).is_some() {
                return Ok(Vec::new());
            }
            writer.directory.node(node).ok_or(ServiceError::NotFound)?;
            Ok(vec![writer.revoke(mint(), node, reason.trim()).map_err(invalid)?])
        };
        self.signed(actor, Action::ManageNodes, Object::Organisation, Box::new(work)).await?;
        self.inner.act(|desk| desk.witness_revoked()).await
    }

    pub async fn invitations(&self, actor: &Actor) -> Result<Vec<InvitationView>, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::ManageNodes, Object::Organisation)?;
        let mut all: Vec<_> = directory.invites().collect();
        all.sort_by_key(|invite| std::cmp::Reverse(invite.entry));
        Ok(all.into_iter().map(|invite| invitation_view(&People::of(&directory), invite)).collect())
    }

    /// Makes a join code for one node.
    pub async fn invite_node(&self, actor: &Actor, new: NewInvitation) -> Result<Invited, ServiceError> {
        if !(1..=INVITATION_HOURS_MAX).contains(&new.hours) {
            return Err(ServiceError::Invalid { field: "hours", code: "out_of_range" });
        }
        let mut secret = [0u8; 16];
        let no_random = |_| ServiceError::Storage("no random bytes".into());
        SystemRandom::new().fill(&mut secret).map_err(no_random)?;
        let key = join::invite_key(&secret).map_err(|error| ServiceError::Storage(error.to_string()))?.public();
        let invite = EntryId::from_uuid(uuid::Uuid::now_v7());
        let expires_ms = self.inner.clock.wall_ms().saturating_add(u64::from(new.hours) * HOUR_MS);
        let organisation = self.inner.directory().organisation();
        let (office, addresses) = (new.office, new.addresses);
        let code = JoinCode { organisation, invite, office, secret, expires_ms, addresses };
        code.check().map_err(|_| ServiceError::Invalid { field: "addresses", code: "empty" })?;
        let node_name = new.node_name.trim().to_owned();
        let work = move |writer: &LedgerWriter<'_, _>, _mint: &dyn Fn() -> EntryId| {
            if writer.directory.office(office).is_none() {
                return Err(ServiceError::Invalid { field: "office", code: "unknown_office" });
            }
            let body = NodeInvite { office, key, expires_ms, node_name: node_name.clone() };
            Ok(vec![writer.invite(invite, &body).map_err(invalid)?])
        };
        self.signed(actor, Action::ManageNodes, Object::Organisation, Box::new(work)).await?;
        let directory = self.inner.directory();
        let known = directory.invite(invite).ok_or(ServiceError::NotFound)?;
        Ok(Invited { invitation: invitation_view(&People::of(&directory), known), code: code.to_string() })
    }

    pub async fn cancel_invitation(&self, actor: &Actor, invite: EntryId) -> Result<(), ServiceError> {
        let work = move |writer: &LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            let known = writer.directory.invite(invite).ok_or(ServiceError::NotFound)?;
            if known.used_by.is_some() {
                return Err(ServiceError::Conflict);
            }
            Ok(vec![writer.cancel_invite(mint(), invite).map_err(invalid)?])
        };
        self.signed(actor, Action::ManageNodes, Object::Organisation, Box::new(work)).await
    }

    /// Posts and teams, by office and reading of the name.
    pub async fn posts(&self, actor: &Actor) -> Result<Vec<PostView>, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::SeeDirectory, Object::Organisation)?;
        let mut posts: Vec<_> = directory.posts().collect();
        posts.sort_by_cached_key(|post| {
            let office = directory.office(post.office).map(|office| fold(&office.kana));
            (office, fold(&post.kana), post.name.clone(), post.id)
        });
        Ok(posts.into_iter().map(|post| People::of(&directory).post(post)).collect())
    }

    /// Makes a post, or changes the one with this id.
    pub async fn set_post(&self, actor: &Actor, id: Option<PostId>, new: NewPost) -> Result<PostView, ServiceError> {
        let directory = self.inner.directory();
        if id.is_some_and(|id| directory.post(id).is_none_or(|post| post.ended)) {
            return Err(ServiceError::NotFound);
        }
        let post = id.unwrap_or_else(|| PostId::from_uuid(uuid::Uuid::now_v7()));
        self.write_post(actor, post_set(post, new, false)).await?;
        let directory = self.inner.directory();
        let post = directory.post(post).ok_or(ServiceError::NotFound)?;
        Ok(People::of(&directory).post(post))
    }

    pub async fn end_post(&self, actor: &Actor, id: PostId) -> Result<(), ServiceError> {
        let directory = self.inner.directory();
        let known = directory.post(id).filter(|post| !post.ended).ok_or(ServiceError::NotFound)?;
        let body = PostSet {
            post: id,
            office: known.office,
            name: known.name.clone(),
            kana: known.kana.clone(),
            kind: known.kind,
            holders: known.holders.clone(),
            deputies: known.deputies.clone(),
            ended: true,
            replaces: Vec::new(),
        };
        self.write_post(actor, body).await
    }

    async fn write_post(&self, actor: &Actor, body: PostSet) -> Result<(), ServiceError> {
        let key = self.inner.consoles.key(actor.user, actor.device, self.inner.clock.mono_ms());
        let writer = actor.clone();
        self.inner.act(move |desk| desk.set_post(&writer, body, key.as_deref())).await
    }

    /// What the organisation demands; everybody may know it.
    pub fn policy(&self) -> PolicyView {
        let policy = *self.inner.directory().policy();
        PolicyView {
            require_devices: policy.require_devices,
            require_passcode: policy.require_passcode,
            idle_lock_minutes: policy.idle_lock_minutes,
            lease_hours: policy.lease_hours,
            lease_isolated_hours: policy.lease_isolated_hours,
        }
    }

    pub async fn set_policy(&self, actor: &Actor, new: PolicyView) -> Result<PolicyView, ServiceError> {
        let policy = Policy {
            require_devices: new.require_devices,
            require_passcode: new.require_passcode,
            idle_lock_minutes: new.idle_lock_minutes,
            lease_hours: new.lease_hours,
            lease_isolated_hours: new.lease_isolated_hours,
        };
        let work = move |writer: &LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            Ok(vec![writer.policy(mint(), policy).map_err(invalid)?])
        };
        self.signed(actor, Action::SetPolicy, Object::Organisation, Box::new(work)).await?;
        Ok(self.policy())
    }

    /// The rules of use; `NotFound` while there are none.
    pub fn rules(&self, actor: &Actor) -> Result<RulesView, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::SeeSelf, Object::Organisation)?;
        let rules = directory.rules().ok_or(ServiceError::NotFound)?;
        Ok(RulesView {
            version: rules.entry.as_uuid(),
            text: rules.text.clone(),
            updated_at: Time::from_ms(rules.at_ms),
            accepted_at: rules.accepted.get(&actor.user).map(|at_ms| Time::from_ms(*at_ms)),
            accepted: count(rules.accepted.len()),
            people: count(directory.users().count()),
        })
    }

    pub async fn set_rules(&self, actor: &Actor, text: String) -> Result<RulesView, ServiceError> {
        let work = move |writer: &LedgerWriter<'_, _>, mint: &dyn Fn() -> EntryId| {
            Ok(vec![writer.rules(mint(), text.trim()).map_err(invalid)?])
        };
        self.signed(actor, Action::EditRules, Object::Organisation, Box::new(work)).await?;
        self.rules(actor)
    }

    /// Whether headquarters is out of this node's sight.
    pub(crate) fn is_isolated(&self) -> bool {
        let directory = self.inner.directory();
        let here = self.id();
        if directory.is_headquarters_node(here) || directory.node(here).is_none() {
            return false;
        }
        let mut headquarters = directory.nodes().filter(|node| directory.is_headquarters_node(node.id));
        !headquarters.any(|node| self.inner.board.record(&node.id).state == PeerState::Connected)
    }
}

fn invitation_view(people: &People<'_>, invite: &ledger::Invite) -> InvitationView {
    InvitationView {
        id: invite.entry.as_uuid(),
        office: people.office(invite.office),
        node_name: invite.node_name.clone(),
        expires_at: Time::from_ms(invite.expires_ms),
        used: invite.used_by.is_some(),
        cancelled: invite.cancelled,
    }
}

fn post_set(post: PostId, new: NewPost, ended: bool) -> PostSet {
    PostSet {
        post,
        office: new.office,
        name: new.name.trim().to_owned(),
        kana: new.kana.trim().to_owned(),
        kind: match new.kind {
            PostKind::Post => ledger::PostKind::Post,
            PostKind::Team => ledger::PostKind::Team,
        },
        holders: new.holders,
        deputies: new.deputies,
        ended,
        replaces: Vec::new(),
    }
}
