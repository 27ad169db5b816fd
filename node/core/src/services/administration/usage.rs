//! How much the organisation uses the rooms: accounts, people who were there, posts, by section.

use std::collections::BTreeMap;

use noroshi_provisioning::OfficeId;

use crate::error::ServiceError;
use crate::node::Node;
use crate::render::{People, count};
use crate::rights::{Action, Object, may};
use crate::view::{Actor, SectionUsage, UsageView};

impl Node {
    /// A month of Japan as `2026-11`, as far as the rooms of this node tell, of the offices the actor looks after.
    ///
    /// # Errors
    /// `Invalid` for what is no month.
    pub async fn usage(&self, actor: &Actor, month: &str) -> Result<UsageView, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::SeeUsage, Object::Organisation)?;
        let (from_ms, until_ms) = span(month).ok_or(ServiceError::Invalid { field: "month", code: "malformed" })?;
        let (posts, readers) = self
            .inner
            .read(move |database| {
                Ok((database.posts_by_author(from_ms, until_ms)?, database.readers_between(from_ms, until_ms)?))
            })
            .await?;
        let mut sections: BTreeMap<(OfficeId, String), SectionUsage> = BTreeMap::new();
        let people = People::of(&directory);
        for user in directory.users() {
            if may(&directory, actor, Action::SeeUsage, Object::Office(user.office)).is_err() {
                continue;
            }
            let section = sections.entry((user.office, user.section.clone())).or_insert_with(|| SectionUsage {
                office: people.office(user.office),
                section: user.section.clone(),
                accounts: 0,
                active: 0,
                posts: 0,
            });
            let posted = posts.get(&user.id).copied().unwrap_or(0);
            section.accounts += 1;
            section.active += u32::from(posted > 0 || readers.contains(&user.id));
            section.posts += posted;
        }
        let sections: Vec<SectionUsage> = sections.into_values().collect();
        Ok(UsageView {
            month: month.to_owned(),
            accounts: sections.iter().map(|section| section.accounts).sum(),
            active: sections.iter().map(|section| section.active).sum(),
            posts: sections.iter().map(|section| section.posts).sum(),
            rooms: self.inner.read(|database| Ok(count(database.room_count()?))).await?,
            sections,
        })
    }
}

/// The milliseconds in which a month begins and ends in Japan.
fn span(month: &str) -> Option<(u64, u64)> {
    let (year, number) = month.split_once('-').filter(|(year, number)| year.len() == 4 && number.len() == 2)?;
    let first = jiff::civil::Date::new(year.parse().ok()?, number.parse().ok()?, 1).ok()?;
    let next = first.checked_add(jiff::Span::new().months(1)).ok()?;
    let begins = |date: jiff::civil::Date| {
        let midnight = date.to_datetime(jiff::civil::Time::midnight());
        let timestamp = jiff::tz::Offset::constant(9).to_timestamp(midnight).ok()?;
        u64::try_from(timestamp.as_millisecond()).ok()
    };
    Some((begins(first)?, begins(next)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_in_japan() {
        assert_eq!(span("2026-11"), Some((1_793_458_800_000, 1_796_050_800_000)));
        assert_eq!(span("2026-12").map(|(from, _)| from), span("2026-11").map(|(_, until)| until));
        for wrong in ["", "2026", "2026-13", "2026-00", "26-01", "2026-1", "1969-01", "９９９９-01", "2026-01-01"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }
}
