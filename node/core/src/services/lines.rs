//! What waits on each line, when lines were cut, and who has a line to whom.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_provisioning::Directory;
use noroshi_sync::id::NodeId;
use noroshi_sync::store::StoreError;

use crate::error::ServiceError;
use crate::limits::CUTS_PAGE_MAX;
use crate::node::{Inner, Node};
use crate::peers::{CutReason, LineReport, LineState, ReportedLine, RttClass, report_name};
use crate::render::People;
use crate::store::query::{Class, CutRow, Gap};
use crate::view::{
    Actor, CutListView, CutReasonView, CutView, MapLine, MapLineState, MapNode, MapRtt, MapView, Time, WaitingClass,
    WaitingView,
};

/// Rows of a page of cuts when nothing else is asked.
const CUTS_PAGE: u32 = 50;

/// Which part of the history of cut lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CutsRequest {
    pub node: Option<NodeId>,
    /// Where the part before ended.
    pub before: Option<u64>,
    /// At most 200.
    pub limit: Option<u32>,
}

impl Node {
    /// When lines of this node were cut, the newest first.
    ///
    /// # Errors
    /// `Invalid` for a page of none or of too many rows.
    pub async fn cuts(&self, _actor: &Actor, request: CutsRequest) -> Result<CutListView, ServiceError> {
        let limit = request.limit.unwrap_or(CUTS_PAGE);
        if !(1..=CUTS_PAGE_MAX).contains(&limit) {
            return Err(ServiceError::Invalid { field: "limit", code: "out_of_range" });
        }
        let rows = self
            .inner
            .storage
            .read(move |database| database.cuts(request.node.as_ref(), request.before, limit))
            .await?;
        let next = rows.last().filter(|_| rows.len() == limit as usize).map(|row| row.number.to_string());
        let directory = self.inner.directory();
        Ok(CutListView { items: rows.into_iter().map(|row| cut_view(&directory, &row)).collect(), next })
    }

    /// Who has a line to whom, by what this node sees itself and what the others have said last.
    pub async fn map(&self, _actor: &Actor) -> Result<MapView, ServiceError> {
        let reports = self.inner.storage.read(|database| database.line_reports()).await?;
        Ok(map(&self.inner.directory(), self.id(), &self.inner.board.line_report(), &reports))
    }

    /// Tells the other nodes at once what lines this one has; by itself it does so some seconds after a change. Returns
    /// whether there was anything new to tell.
    pub async fn tell_lines(&self) -> Result<bool, StoreError> {
        Ok(self.inner.tell_lines().await?.is_some())
    }
}

impl Inner {
    /// What is missing on a line, class by class.
    pub(super) fn waiting(gap: &Gap, entry_bytes: u64) -> Vec<WaitingView> {
        let views = Class::ALL.into_iter().map(|class| {
            let sides = gap.of(class);
            WaitingView {
                class: class_view(class),
                here_entries: sides.here,
                there_entries: sides.there,
                bytes: sides.here.saturating_add(sides.there).saturating_mul(entry_bytes),
            }
        });
        views.filter(|view| view.here_entries > 0 || view.there_entries > 0).collect()
    }

    /// Writes down which lines were lost or came back.
    pub async fn write_cuts(&self) -> Result<(), StoreError> {
        let cuts = self.board.take_cuts();
        if cuts.is_empty() {
            return Ok(());
        }
        let written = {
            let cuts = cuts.clone();
            self.storage.write(move |writing| writing.note_cuts(&cuts)).await
        };
        if written.is_err() {
            self.board.put_back_cuts(cuts);
        }
        written
    }

    /// Says in this node's register what its lines are, if that is other than what it says already. Answers the bytes of
    /// the report when it was changed.
    pub async fn tell_lines(&self) -> Result<Option<usize>, StoreError> {
        let directory = self.directory();
        // Before it knows the organisation a node has nobody to tell.
        if directory.node(self.identity.node()).is_none() {
            return Ok(None);
        }
        let (room, report) = (directory.rooms().directory, self.board.line_report());
        let bytes = report.encode().len();
        let told = self.storage.write(move |writing| writing.set_line_report(&room, &report)).await?;
        if told {
            self.hub.due.notify_one();
        }
        Ok(told.then_some(bytes))
    }
}

const fn class_view(class: Class) -> WaitingClass {
    match class {
        Class::Urgent => WaitingClass::Urgent,
        Class::Policy => WaitingClass::Policy,
        Class::Newest => WaitingClass::Newest,
        Class::History => WaitingClass::History,
    }
}

fn cut_view(directory: &Directory, row: &CutRow) -> CutView {
    let known = directory.node(row.node);
    CutView {
        node: row.node.to_string(),
        name: known.map_or_else(|| row.node.short(), |known| known.name.clone()),
        office: known.map(|known| People::of(directory).office(known.office)),
        from: Time::from_ms(row.from_ms),
        until: row.until_ms.map(Time::from_ms),
        reason: match row.reason {
            CutReason::Here => CutReasonView::CutHere,
            CutReason::There => CutReasonView::CutThere,
            CutReason::Lost => CutReasonView::Lost,
        },
    }
}

/// A pair of nodes, the lower one first.
type Pair = (NodeId, NodeId);

fn map(directory: &Directory, own: NodeId, mine: &LineReport, reports: &[(NodeId, LineReport)]) -> MapView {
    let names: BTreeMap<[u8; 8], NodeId> = directory.nodes().map(|node| (report_name(&node.id), node.id)).collect();
    let mut lines: BTreeMap<Pair, ReportedLine> = BTreeMap::new();
    let others = reports.iter().filter(|(node, _)| *node != own && directory.node(*node).is_some());
    for (node, report) in others {
        let ends = report.lines().iter().filter_map(|line| Some((*names.get(&line.node)?, *line)));
        for (other, line) in ends.filter(|(other, _)| other != node) {
            // Of two who speak of one line the later one knows more.
            let said = lines.entry(pair(*node, other)).or_insert(line);
            if line.since_s > said.since_s {
                *said = line;
            }
        }
    }
    // Nobody knows the own lines better.
    lines.retain(|(a, b), _| *a != own && *b != own);
    for line in mine.lines() {
        if let Some(other) = names.get(&line.node) {
            lines.insert(pair(own, *other), *line);
        }
    }
    let reachable = reachable_from(own, &lines);
    let told: BTreeMap<NodeId, u64> = reports.iter().map(|(node, report)| (*node, report.at_s())).collect();
    let node_view = |node: &noroshi_provisioning::ledger::NodeRecord| MapNode {
        node: node.id.to_string(),
        name: node.name.clone(),
        office: Some(People::of(directory).office(node.office)),
        headquarters: directory.is_headquarters(node.office),
        this: node.id == own,
        reachable: reachable.contains(&node.id),
        reported_at: told.get(&node.id).map(|at_s| Time::from_ms(at_s.saturating_mul(1_000))),
    };
    let line_view = |(&(a, b), line): (&Pair, &ReportedLine)| MapLine {
        a: a.to_string(),
        b: b.to_string(),
        state: match line.state {
            LineState::Up => MapLineState::Up,
            LineState::Cut => MapLineState::Cut,
            LineState::Down => MapLineState::Down,
        },
        transport: line.transport,
        rtt: rtt_view(line.rtt),
        since: Time::from_ms(line.since_s.saturating_mul(1_000)),
        old: !reachable.contains(&a) && !reachable.contains(&b),
    };
    MapView { nodes: directory.nodes().map(node_view).collect(), lines: lines.iter().map(line_view).collect() }
}

fn pair(a: NodeId, b: NodeId) -> Pair {
    if a < b { (a, b) } else { (b, a) }
}

/// The nodes that a message from here gets to over lines that are up.
fn reachable_from(own: NodeId, lines: &BTreeMap<Pair, ReportedLine>) -> BTreeSet<NodeId> {
    let mut neighbours: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for (a, b) in lines.iter().filter(|(_, line)| line.state == LineState::Up).map(|(pair, _)| *pair) {
        neighbours.entry(a).or_default().push(b);
        neighbours.entry(b).or_default().push(a);
    }
    let (mut found, mut waiting) = (BTreeSet::from([own]), vec![own]);
    while let Some(node) = waiting.pop() {
        for next in neighbours.get(&node).into_iter().flatten() {
            if found.insert(*next) {
                waiting.push(*next);
            }
        }
    }
    found
}

const fn rtt_view(rtt: RttClass) -> MapRtt {
    match rtt {
        RttClass::Unknown => MapRtt::Unknown,
        RttClass::Near => MapRtt::Near,
        RttClass::Middle => MapRtt::Middle,
        RttClass::Far => MapRtt::Far,
        RttClass::Slow => MapRtt::Slow,
    }
}
