//! Logs that fork: a node that ran twice at once, or lies, has signed several histories that begin alike.
//!
//! Each branch is a row of `logs`: the trunk ends where the first fork is, a branch where the next one is. A window is not
//! believed about its branch: it is walked along what is held, from the hash it is chained to, and where it leaves that,
//! the row is split. So rows, names and digests follow from the set of entries, whatever came first. Entries change their
//! keys when a row is split, in every table that names them; forks are rare, and reading stays as it is.
//!
//! Runs above a gap cannot be placed any more once a log forks. They are put aside until their beginning joins something.

use noroshi_sync::frontier::{Frontier, LogState};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::limits::LOG_BRANCHES_MAX;
use noroshi_sync::log::{Hash, LogId};
use noroshi_sync::store::{Refusal, Standing, StoreError};
use noroshi_sync::window::VerifiedWindow;

use super::apply::hash_in;
use super::database::Database;
use super::error::damaged;
use super::heads::Origin;
use super::keys::{EntryPk, LogPk, NodePk, RoomPk};
use super::marks::Mark;
use super::projector::StoredEntry;
use super::rows::{LogRow, Run};
use super::writing::Writing;

/// One row of a log that forks.
#[derive(Debug, Clone)]
pub(in crate::store) struct Member {
    pub pk: LogPk,
    pub id: LogId,
    /// Its own entries, both ends included; empty when nothing is before the first fork.
    pub stem: Run,
    pub aside: bool,
}

impl Member {
    fn of(pk: LogPk, row: &LogRow) -> Self {
        Self { pk, id: row.id, stem: row.stem(), aside: row.aside }
    }

    /// Whether `self` goes on where `parent` ends.
    fn follows(&self, parent: &Self) -> bool {
        let (first, base) = (self.stem.first, self.stem.base);
        self.id.branch.is_some() && !self.aside && first == parent.stem.last + 1 && base == parent.stem.end
    }
}

/// What became of a window of a log that forks.
#[derive(Debug, Default)]
pub(in crate::store) struct Placed {
    pub is_new: bool,
    /// It made a further history known.
    pub forks: bool,
}

/// How far a window has been walked.
struct Walk {
    at: Member,
    /// The last place that the window and what is held have in common.
    seq: u64,
}

impl Database {
    /// All rows of a log: the trunk first, then by name.
    pub(in crate::store) fn rows_of(&self, log: &LogId) -> Result<Vec<LogPk>, StoreError> {
        let (Some(room), Some(node)) = (self.room_pk(&log.room)?, self.node_pk(&log.node)?) else {
            return Ok(Vec::new());
        };
        self.rows(
            "SELECT log_pk FROM logs WHERE room_pk = ? AND node_pk = ? AND epoch = ? AND lane = ?
             ORDER BY branch_first, branch_hash",
            (room, node, log.epoch.0.cast_signed(), log.lane.number()),
            |row| row.get(0),
        )
    }

    /// The same with what they hold.
    pub(in crate::store) fn members(&self, log: &LogId) -> Result<Vec<Member>, StoreError> {
        // What a transaction has changed waits in its rows.
        let held = |pk: LogPk| match self.state.borrow().log_rows.get(pk) {
            Some(row) => Ok(Member::of(pk, row)),
            None => Ok(Member::of(pk, &self.load_log(pk)?)),
        };
        self.rows_of(log)?.into_iter().map(held).collect()
    }

    /// The row in which the history up to h(seq) ends, if it is held from its beginning.
    fn member_at(&self, members: &[Member], seq: u64, hash: Hash) -> Result<Option<Member>, StoreError> {
        for member in members.iter().filter(|member| !member.aside) {
            let begins = seq == 0 && member.id.branch.is_none() && member.stem.base == hash;
            if begins || (self.holds(member, seq)? == Some(hash)) {
                return Ok(Some(member.clone()));
            }
        }
        Ok(None)
    }

    /// h(seq) of an entry in this row.
    fn holds(&self, member: &Member, seq: u64) -> Result<Option<Hash>, StoreError> {
        let is_inside = member.stem.first <= seq && seq <= member.stem.last;
        is_inside.then(|| self.hash_at(member.pk, &member.stem, seq)).transpose()
    }

    /// The rows of the history that ends in `member`, from the beginning on.
    fn path_to(members: &[Member], member: &Member) -> Vec<Member> {
        let mut path = vec![member.clone()];
        while let Some(parent) = path.last().and_then(|child| members.iter().find(|parent| child.follows(parent))) {
            // Each step goes to earlier entries, or from the first entry to an empty trunk.
            if path.len() > members.len() {
                break;
            }
            path.push(parent.clone());
        }
        path.reverse();
        path
    }

    /// The rows of the history that a name stands for, and on along any branch to an end, which is signed.
    pub(in crate::store) fn path_of(&self, log: &LogId) -> Result<Vec<Member>, StoreError> {
        let members = self.members(log)?;
        let Some(named) = members.iter().find(|member| member.id == *log && !member.aside) else {
            return Ok(Vec::new());
        };
        let mut path = Self::path_to(&members, named);
        while let Some(child) = path.last().and_then(|last| members.iter().find(|child| child.follows(last))) {
            path.push(child.clone());
        }
        path.retain(|member| member.stem.first <= member.stem.last);
        Ok(path)
    }

    /// How lines that a peer offers stand to what is held.
    pub(in crate::store) fn line_stands(&self, log: &LogId, theirs: &LogState) -> Result<Standing, StoreError> {
        let nothing = Standing { held: LogState::empty(log), agrees: true };
        let Some(trunk) = self.log_pk(&log.trunk())? else { return Ok(nothing) };
        let row = self.load_log(trunk)?;
        if row.forked {
            return self.branch_stands(log, theirs);
        }
        let mine = row.state.clone();
        let held_at = |seq: u64| match row.runs().into_iter().find(|run| run.first <= seq && seq <= run.last) {
            Some(run) => self.hash_at(trunk, &run, seq).map(Some),
            None => Ok(None),
        };
        if let Some(branch) = log.branch
            && held_at(branch.first)? != Some(branch.hash)
        {
            return Ok(nothing);
        }
        let agrees = theirs.length > mine.length || theirs.length == 0 || held_at(theirs.length)? == Some(theirs.hash);
        let length = if agrees { mine.length } else { theirs.length - 1 };
        Ok(Standing { held: LogState { length, ..mine }, agrees })
    }

    fn branch_stands(&self, log: &LogId, theirs: &LogState) -> Result<Standing, StoreError> {
        let members = self.members(log)?;
        if self.member_at(&members, theirs.length, theirs.hash)?.is_some() {
            return Ok(Standing { held: theirs.clone(), agrees: true });
        }
        let known = match log.branch {
            Some(branch) => self.member_at(&members, branch.first, branch.hash)?.is_some(),
            None => true,
        };
        let named = members.iter().find(|member| known && member.id == *log && !member.aside);
        let length = named.map_or(log.before(), |member| member.stem.last).min(theirs.length.saturating_sub(1));
        let held = LogState { length, above: theirs.above.clone(), ..LogState::empty(log) };
        Ok(Standing { held, agrees: false })
    }

    /// Whether something follows the end of this row, so that the end itself need not be signed.
    pub(in crate::store) fn goes_on(&self, row: &LogRow) -> Result<bool, StoreError> {
        if !row.forked || row.aside {
            return Ok(false);
        }
        let own = Member::of(LogPk(0), row);
        Ok(self.members(&row.id)?.iter().any(|member| member.follows(&own)))
    }

    /// Whether all of a history is held, of which a register says so.
    pub(in crate::store) fn has_history(&self, log: &LogId, state: &LogState) -> Result<bool, StoreError> {
        Ok(self.member_at(&self.members(log)?, state.length, state.hash)?.is_some())
    }
}

impl Writing<'_> {
    /// Stores a window of a log that forks, or that forks with it.
    pub(in crate::store) fn place(&self, window: &VerifiedWindow) -> Result<Result<Placed, Refusal>, StoreError> {
        let log = window.log().trunk();
        let base = (window.first() - 1, window.base());
        let Some(member) = self.member_at(&self.members(&log)?, base.0, base.1)? else {
            return Ok(Err(Refusal::Unjoined));
        };
        // Rows are about to change their keys: nothing may wait that names them.
        self.options().projector.settle(self)?;
        self.execute("PRAGMA defer_foreign_keys = ON", ())?;
        let trunk = self.ensure_log(&log)?;
        self.set_aside(trunk)?;
        let mut placed = Placed::default();
        let mut walk = Walk { at: member, seq: base.0 };
        while walk.seq < window.last() {
            let next = self.step(window, &mut walk, &mut placed)?;
            if let Err(refusal) = next {
                return Ok(Err(refusal));
            }
        }
        // Runs that waited for what came now.
        while self.join_at_the_end(&mut walk)? {
            walk.seq = walk.at.stem.last;
            placed.is_new = true;
        }
        if placed.is_new {
            self.told_of_branches(&log)?;
        }
        Ok(Ok(placed))
    }

    /// Goes along what is held, or adds to it; at least one place.
    fn step(
        &self,
        window: &VerifiedWindow,
        walk: &mut Walk,
        placed: &mut Placed,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let next = walk.seq + 1;
        let Some(hash) = hash_in(window, next) else { return Err(damaged("a window is shorter than it says")) };
        if walk.at.stem.last > walk.seq {
            let common = self.common_end(window, walk)?;
            if common > walk.seq {
                walk.seq = common;
                return Ok(Ok(()));
            }
            if !self.has_room_for(&walk.at.id, 2)? {
                return Ok(Err(Refusal::TooManyBranches));
            }
            self.split(&walk.at, next)?;
            walk.at = self.begin_branch(&walk.at, next, hash)?;
            placed.forks = true;
        } else if self.step_over_the_end(walk, next, hash, placed)? {
            return Ok(Ok(()));
        } else if self.members(&walk.at.id)?.iter().any(|child| child.follows(&walk.at)) {
            if !self.has_room_for(&walk.at.id, 1)? {
                return Ok(Err(Refusal::TooManyBranches));
            }
            walk.at = self.begin_branch(&walk.at, next, hash)?;
            placed.forks = true;
        }
        let members = self.members(&walk.at.id)?;
        // Up to where a run that waits may join.
        let joins = members.iter().filter(|run| run.aside && run.stem.first > next).map(|run| run.stem.first - 1).min();
        let last = window.last().min(joins.unwrap_or(u64::MAX));
        self.extend(window, walk.at.pk, next, last)?;
        placed.is_new = true;
        (walk.at, walk.seq) = (self.refreshed(&walk.at)?, last);
        Ok(Ok(()))
    }

    /// The window reaches beyond its row: it goes on in a branch that begins so, or in a run that waited for this end.
    fn step_over_the_end(
        &self,
        walk: &mut Walk,
        next: u64,
        hash: Hash,
        placed: &mut Placed,
    ) -> Result<bool, StoreError> {
        let members = self.members(&walk.at.id)?;
        let mut children = members.iter().filter(|child| child.follows(&walk.at)).peekable();
        if children.peek().is_some() {
            let named = walk.at.id.branch(next, hash);
            let Some(child) = children.find(|child| child.id == named) else { return Ok(false) };
            (walk.at, walk.seq) = (child.clone(), next);
            return Ok(true);
        }
        let is_joined = self.join_at_the_end(walk)?;
        placed.is_new |= is_joined;
        Ok(is_joined)
    }

    /// A run that waited for the end of this row, which nothing follows, becomes part of it.
    fn join_at_the_end(&self, walk: &mut Walk) -> Result<bool, StoreError> {
        let members = self.members(&walk.at.id)?;
        let is_end = walk.seq == walk.at.stem.last && !members.iter().any(|child| child.follows(&walk.at));
        let joins =
            |run: &&Member| is_end && run.aside && run.stem.first == walk.seq + 1 && run.stem.base == walk.at.stem.end;
        let Some(run) = members.iter().find(joins) else { return Ok(false) };
        self.adopt(&walk.at, run)?;
        walk.at = self.refreshed(&walk.at)?;
        Ok(true)
    }

    /// The last place in the row that the window has in common with it: histories agree up to one place and nowhere above.
    fn common_end(&self, window: &VerifiedWindow, walk: &Walk) -> Result<u64, StoreError> {
        let is_common = |seq: u64| Ok::<_, StoreError>(self.holds(&walk.at, seq)? == hash_in(window, seq));
        let (mut low, mut high) = (walk.seq, walk.at.stem.last.min(window.last()));
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if is_common(middle)? { low = middle } else { high = middle - 1 }
        }
        Ok(low)
    }

    fn refreshed(&self, member: &Member) -> Result<Member, StoreError> {
        self.log_row(member.pk, |row| Member::of(member.pk, row))
    }

    fn has_room_for(&self, log: &LogId, branches: usize) -> Result<bool, StoreError> {
        let held = self.members(log)?.iter().filter(|member| member.id.branch.is_some() && !member.aside).count();
        Ok(held + branches <= LOG_BRANCHES_MAX)
    }

    /// Adds the entries `first ..= last` of the window to the end of a row.
    fn extend(&self, window: &VerifiedWindow, pk: LogPk, first: u64, last: u64) -> Result<(), StoreError> {
        let received_ms = self.wall_ms();
        let (id, room) = self.log_row(pk, |row| (row.id, row.room))?;
        let erasable = self.erasable_in(self.log_pk(&id.trunk())?, window)?;
        let items = || window.items().iter().filter(|item| (first..=last).contains(&item.seq));
        let mut marks = window.checkpoints().iter().peekable();
        let mut seen = Hlc::ZERO;
        for item in items() {
            self.execute(
                "INSERT INTO entries (entry_pk, received_ms, bytes) VALUES (?, ?, ?)",
                (EntryPk::new(pk, item.seq), received_ms.cast_signed(), erasable.column(item)),
            )?;
            while marks.next_if(|mark| mark.seq < item.seq).is_some() {}
            if let Some(mark) = marks.next_if(|mark| mark.seq == item.seq) {
                self.write_mark(pk, &Mark { seq: mark.seq, hash: item.chain_hash, signature: mark.signature })?;
            }
            seen = item.entry.as_ref().map_or(seen, |entry| seen.merge(entry.hlc));
        }
        let Some(end) = hash_in(window, last) else { return Err(damaged("a window is shorter than it says")) };
        self.set_end(pk, last, end)?;
        self.edit_room(room, |row| row.hlc = row.hlc.merge(seen))?;
        self.touch(room, Origin::Peer)?;
        for item in items() {
            let Some(entry) = item.entry.as_ref().filter(|_| !erasable.names(item)) else { continue };
            let entry_pk = EntryPk::new(pk, item.seq);
            let stored = StoredEntry { room, log_pk: pk, entry_pk, log: &id, entry, received_ms };
            self.options().projector.entry(self, &stored)?;
        }
        Ok(())
    }

    /// The row ends here now. Which of its signatures could be spared is not worth knowing of a branch.
    fn set_end(&self, pk: LogPk, length: u64, hash: Hash) -> Result<(), StoreError> {
        self.edit_log(pk, |row| {
            (row.state.length, row.state.hash) = (length, hash);
            (row.mark, row.kept, row.kept_bytes, row.unsigned_bytes) = (length, length, 0, 0);
        })
    }

    fn new_row(&self, id: &LogId, base: Hash, aside: bool) -> Result<LogPk, StoreError> {
        let pk = self.ensure_log(id)?;
        self.execute(
            "UPDATE logs SET base = ?, hash = ?, aside = ? WHERE log_pk = ?",
            (base.as_bytes(), base.as_bytes(), aside, pk),
        )?;
        let room = self.log_row(pk, |row| row.room)?;
        self.touch(room, Origin::Peer)?;
        Ok(pk)
    }

    /// What is in the row from `first` on becomes a branch of its own.
    fn split(&self, member: &Member, first: u64) -> Result<(), StoreError> {
        let Some(hash) = self.holds(member, first)? else { return Err(damaged("a log forks where nothing is held")) };
        let base = if first == member.stem.first {
            member.stem.base
        } else {
            self.hash_at(member.pk, &member.stem, first - 1)?
        };
        let branch = self.new_row(&member.id.branch(first, hash), base, false)?;
        self.move_entries(member.pk, branch, first, member.stem.last)?;
        self.set_end(branch, member.stem.last, member.stem.end)?;
        self.set_end(member.pk, first - 1, base)?;
        self.edit_log(member.pk, |row| row.forked = true)?;
        self.split_marks_of_people(member.pk, branch, first)
    }

    fn begin_branch(&self, parent: &Member, first: u64, hash: Hash) -> Result<Member, StoreError> {
        let base = self.log_row(parent.pk, |row| row.state.hash)?;
        let pk = self.new_row(&parent.id.branch(first, hash), base, false)?;
        self.log_row(pk, |row| Member::of(pk, row))
    }

    /// Runs above a gap of the trunk become rows that wait.
    fn set_aside(&self, trunk: LogPk) -> Result<(), StoreError> {
        let (id, above, bases) = self.log_row(trunk, |row| (row.id, row.state.above.clone(), row.bases.clone()))?;
        for (range, base) in above.iter().zip(bases) {
            let run = Run { first: range.first, last: range.last, base, end: range.hash };
            let first = self.hash_at(trunk, &run, run.first)?;
            let pk = self.new_row(&id.branch(run.first, first), base, true)?;
            self.move_entries(trunk, pk, run.first, run.last)?;
            self.set_end(pk, run.last, run.end)?;
        }
        self.edit_log(trunk, |row| {
            row.forked = true;
            row.state.above.clear();
            row.bases.clear();
        })
    }

    /// A run that waited follows the end of this row.
    fn adopt(&self, member: &Member, run: &Member) -> Result<(), StoreError> {
        self.move_entries(run.pk, member.pk, run.stem.first, run.stem.last)?;
        self.set_end(member.pk, run.stem.last, run.stem.end)?;
        for table in ["held", "held_above", "learned", "logs"] {
            self.execute(&format!("DELETE FROM {table} WHERE log_pk = ?"), [run.pk])?;
        }
        let mut state = self.state.borrow_mut();
        state.log_rows.drop_row(run.pk);
        state.logs.remove(&run.id);
        Ok(())
    }

    /// Gives entries the keys of another row, wherever they are named; acts of erasure name the log as its writer knows it.
    fn move_entries(&self, from: LogPk, to: LogPk, first: u64, last: u64) -> Result<(), StoreError> {
        let tables = self.rows(
            "SELECT schema.name FROM sqlite_schema AS schema JOIN pragma_table_info(schema.name) AS part
             WHERE schema.type = 'table' AND part.name = 'entry_pk' AND schema.name <> 'erasable' ORDER BY schema.name",
            [],
            |row| row.get::<_, String>(0),
        )?;
        let by = EntryPk::new(to, first).0 - EntryPk::new(from, first).0;
        for table in tables {
            self.execute(
                &format!("UPDATE {table} SET entry_pk = entry_pk + ? WHERE entry_pk BETWEEN ? AND ?"),
                (by, EntryPk::new(from, first), EntryPk::new(from, last)),
            )?;
        }
        Ok(())
    }

    /// What was read, and what others were known to hold, of the part that is a branch now.
    fn split_marks_of_people(&self, from: LogPk, to: LogPk, first: u64) -> Result<(), StoreError> {
        let first = first.cast_signed();
        self.execute(
            "INSERT INTO learned (log_pk, node_pk, length, at_ms)
             SELECT ?2, node_pk, length, at_ms FROM learned WHERE log_pk = ?1 AND length >= ?3",
            (from, to, first),
        )?;
        self.execute(
            "UPDATE OR REPLACE learned SET length = ?2 - 1 WHERE log_pk = ?1 AND length >= ?2 AND ?2 > 1",
            (from, first),
        )?;
        let room = self.log_row(from, |row| row.room)?;
        self.split_reads(room, from, to)
    }

    /// Works out anew what others hold of a log that forks.
    fn told_of_branches(&self, log: &LogId) -> Result<(), StoreError> {
        for register in self.registers_of(&log.room)? {
            let Some(holder) = self.node_pk(&register.node)?.filter(|node| *node != self.own_pk()) else { continue };
            self.hold_branches(holder, log, &register.frontier())?;
        }
        Ok(())
    }

    /// What a node says it holds of a log that forks here, which it may know by other names: each line is a history.
    pub(in crate::store) fn hold_branches(
        &self,
        holder: NodePk,
        log: &LogId,
        frontier: &Frontier,
    ) -> Result<(), StoreError> {
        let members = self.members(log)?;
        for member in &members {
            self.execute("DELETE FROM held WHERE log_pk = ? AND node_pk = ?", (member.pk, holder))?;
            self.execute("DELETE FROM held_above WHERE log_pk = ? AND node_pk = ?", (member.pk, holder))?;
        }
        for (line, state) in frontier.iter().filter(|(line, _)| line.trunk() == log.trunk()) {
            self.hold_history(holder, &members, line, state)?;
        }
        for member in &members {
            self.execute(
                "DELETE FROM learned WHERE log_pk = ?1 AND node_pk = ?2 AND length >
                 coalesce((SELECT length FROM held WHERE log_pk = ?1 AND node_pk = ?2), 0)",
                (member.pk, holder),
            )?;
            self.execute(
                "INSERT OR IGNORE INTO learned (log_pk, node_pk, length, at_ms)
                 SELECT log_pk, node_pk, length, ?3 FROM held WHERE log_pk = ?1 AND node_pk = ?2",
                (member.pk, holder, self.wall_ms().cast_signed()),
            )?;
        }
        Ok(())
    }

    fn hold_history(
        &self,
        holder: NodePk,
        members: &[Member],
        line: &LogId,
        state: &LogState,
    ) -> Result<(), StoreError> {
        let mut end = state.length;
        let mut member = self.member_at(members, state.length, state.hash)?;
        // A longer history than is held here, of a branch that is.
        if let (None, Some(branch)) = (&member, line.branch) {
            (end, member) = (branch.first, self.member_at(members, branch.first, branch.hash)?);
        }
        let Some(member) = member else { return Ok(()) };
        for part in Database::path_to(members, &member) {
            let length = part.stem.last.min(end);
            if length < part.stem.first {
                continue;
            }
            self.execute(
                "INSERT INTO held (log_pk, node_pk, length) VALUES (?1, ?2, ?3)
                 ON CONFLICT (log_pk, node_pk) DO UPDATE SET length = max(length, ?3)",
                (part.pk, holder, length.cast_signed()),
            )?;
        }
        Ok(())
    }

    /// Whether a log forks here.
    pub(in crate::store) fn is_forked(&self, log: &LogId) -> Result<bool, StoreError> {
        match self.log_pk(&log.trunk())? {
            Some(trunk) => self.log_row(trunk, |row| row.forked),
            None => Ok(false),
        }
    }

    /// Whoever had read the row has read the branch that was made of its end.
    fn split_reads(&self, room: RoomPk, from: LogPk, to: LogPk) -> Result<(), StoreError> {
        for row in self.reads_in(room)? {
            let Some(seen) = row.seen.as_ref().and_then(|seen| seen.branched(from, to)) else { continue };
            let Some(node) = self.node_pk(&row.node)? else { continue };
            self.execute(
                "UPDATE reads SET seen = ? WHERE room_pk = ? AND user = ? AND node_pk = ?",
                (seen.encode(), room, row.user.as_bytes(), node),
            )?;
        }
        Ok(())
    }
}
