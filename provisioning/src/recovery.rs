//! The recovery sheet: an administrator's private key on paper, for the day the console burns or the password is forgotten.
//!
//! Thirty-two bytes of seed are printed as fifteen groups of five characters. The fifth of each group checks the other
//! four together with the place of the group, so a mistyped or exchanged group is named at once. Whoever finds the sheet
//! can sign for that person: it belongs in a safe.

use noroshi_sync::id::UserId;
use zeroize::Zeroizing;

use crate::base32;
use crate::key::KeyPair;
use crate::ledger::Directory;
use crate::signer::AdministratorKey;

/// The only version so far: first byte of what is encoded.
const VERSION: u8 = 1;
const GROUPS: usize = 15;
/// Version, seed, checksum: 37 bytes, 59.2 characters of base32, 60 with the filling.
const BYTES: usize = 1 + 32 + 4;
/// Longest text worth reading, bytes: the groups with generous decoration.
const TEXT_BYTES_MAX: usize = 2_000;

/// Why a typed sheet is not accepted. The sentences are for the person at the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    #[error("a recovery sheet has {GROUPS} groups of 5 characters, here are {characters} characters in all")]
    Length { characters: usize },
    #[error("group {group} is mistyped")]
    Group { group: usize },
    #[error("the sheet is of a later version of the program")]
    LaterVersion,
    #[error("each group is right by itself, but not all together: two groups may both be mistyped")]
    Checksum,
    #[error("the ledger held here names no administrator with this key")]
    UnknownKey,
}

impl RecoveryError {
    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Length { .. } => "wrong_length",
            Self::Group { .. } => "mistyped_group",
            Self::LaterVersion => "later_version",
            Self::Checksum => "mistyped",
            Self::UnknownKey => "unknown_key",
        }
    }
}

/// The groups to print: three lines of five.
pub fn recovery_groups(administrator: &AdministratorKey) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(BYTES));
    bytes.push(VERSION);
    bytes.extend_from_slice(administrator.key().seed());
    let checksum = checksum(&bytes);
    bytes.extend_from_slice(&checksum);

    let text = Zeroizing::new(base32::encode(&bytes));
    let mut sheet = Zeroizing::new(String::with_capacity(GROUPS * 6));
    for (place, group) in text.as_bytes().chunks(4).enumerate() {
        sheet.extend(group.iter().map(|byte| char::from(*byte)));
        sheet.push(check_character(place, group));
        sheet.push(if place % 5 == 4 { '\n' } else { ' ' });
    }
    sheet
}

/// The key that a typed sheet holds: the seed of [`KeyPair`].
pub fn read_groups(text: &str) -> Result<KeyPair, RecoveryError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(RecoveryError::Length { characters: text.len() });
    }
    let typed = base32::canonical(text);
    if typed.chars().count() != GROUPS * 5 {
        return Err(RecoveryError::Length { characters: typed.chars().count() });
    }
    let characters: Zeroizing<Vec<char>> = Zeroizing::new(typed.chars().collect());
    let mut plain = Zeroizing::new(String::with_capacity(GROUPS * 4));
    for (place, group) in characters.chunks(5).enumerate() {
        let wrong = RecoveryError::Group { group: place + 1 };
        let (check, four) = group.split_last().ok_or(wrong)?;
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(four.iter().filter_map(|c| u8::try_from(*c).ok()).collect());
        if bytes.len() != 4 || check_character(place, &bytes) != *check {
            return Err(wrong);
        }
        plain.extend(four);
    }
    let bytes = base32::decode(&plain).ok_or(RecoveryError::Checksum)?;
    // Sixty characters are 37 bytes and half a byte of filling, which decodes to nothing.
    let (head, sum) = bytes.split_last_chunk::<4>().ok_or(RecoveryError::Checksum)?;
    if checksum(head) != *sum {
        return Err(RecoveryError::Checksum);
    }
    let (version, seed) = head.split_first().ok_or(RecoveryError::Checksum)?;
    if *version != VERSION {
        return Err(RecoveryError::LaterVersion);
    }
    let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).map_err(|_| RecoveryError::Checksum)?);
    KeyPair::from_seed(&seed).map_err(|_| RecoveryError::Checksum)
}

/// The administrator whose sheet this is, by the ledger held here.
pub fn recover(text: &str, directory: &Directory) -> Result<AdministratorKey, RecoveryError> {
    let key = read_groups(text)?;
    let record = directory.administrator_key_by_public(&key.public()).ok_or(RecoveryError::UnknownKey)?;
    Ok(AdministratorKey::new(record.user, record.entry, key))
}

/// The sheet as a page of text, to be printed and locked away.
pub fn recovery_sheet(organisation: &str, name: &str, user: UserId, administrator: &AdministratorKey) -> String {
    let groups = recovery_groups(administrator);
    let lines: String = groups.lines().map(|line| format!("    {}\n", line.trim_end())).collect();
    format!(
        "Noroshi 狼煙  管理者鍵の復旧用紙 (recovery sheet)\n\
         \n\
         団体 organisation   {organisation}\n\
         氏名 name           {name}\n\
         職員 ID user        {user}\n\
         \n{lines}\n\
         この用紙を持つ人は、上の職員の名で署名できます。金庫に保管してください。\n\
         Whoever holds this sheet can sign in the name above. Keep it in a safe.\n"
    )
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/recovery/1");
    hasher.update(bytes);
    let mut sum = [0; 4];
    hasher.finalize_xof().fill(&mut sum);
    sum
}

fn check_character(place: usize, group: &[u8]) -> char {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/recovery/group/1");
    hasher.update(&(place as u64).to_be_bytes());
    hasher.update(group);
    let mut byte = [0; 1];
    hasher.finalize_xof().fill(&mut byte);
    base32::symbol(u32::from(u8::from_be_bytes(byte)))
}

#[cfg(test)]
mod tests {
    use noroshi_sync::id::EntryId;
    use proptest::prelude::*;

    use super::*;

    fn administrator(seed: [u8; 32]) -> AdministratorKey {
        let key = KeyPair::from_seed(&seed).unwrap();
        AdministratorKey::new(UserId::from_bytes([1; 16]), EntryId::from_bytes([2; 16]), key)
    }

    proptest! {
        #[test]
        fn every_key_survives_paper(seed in any::<[u8; 32]>()) {
            let groups = recovery_groups(&administrator(seed));
            let read = |text: &str| *read_groups(text).unwrap().seed();
            prop_assert_eq!(read(&groups), seed);
            prop_assert_eq!(read(&groups.to_lowercase().replace(' ', "-")), seed);
        }

        #[test]
        fn one_wrong_character_is_named_or_at_least_noticed(place in 0usize..75, to in 0u32..32) {
            let groups: String = recovery_groups(&administrator([7; 32])).split_whitespace().collect();
            let mut typed: Vec<char> = groups.chars().collect();
            prop_assume!(typed[place] != base32::symbol(to));
            typed[place] = base32::symbol(to);
            let typed: String = typed.into_iter().collect();
            let error = read_groups(&typed).unwrap_err();
            prop_assert!(matches!(error, RecoveryError::Group { .. } | RecoveryError::Checksum), "{error:?}");
        }
    }

    #[test]
    fn the_sheet_is_golden() {
        insta::assert_snapshot!(recovery_groups(&administrator([7; 32])).as_str());
        let sheet = recovery_sheet("朝凪市", "朝凪 太郎", UserId::from_bytes([1; 16]), &administrator([7; 32]));
        assert!(sheet.contains("朝凪市") && sheet.lines().filter(|line| line.starts_with("    ")).count() == 3);
    }

    #[test]
    fn bad_sheets_say_what_is_wrong() {
        assert_eq!(read_groups("").unwrap_err(), RecoveryError::Length { characters: 0 });
        assert_eq!(read_groups("ABCDE").unwrap_err(), RecoveryError::Length { characters: 5 });
        assert!(matches!(read_groups(&"A".repeat(100_000)).unwrap_err(), RecoveryError::Length { .. }));
        assert_eq!(read_groups(&"あ".repeat(75)).unwrap_err(), RecoveryError::Group { group: 1 });
        let groups = recovery_groups(&administrator([7; 32]));
        let mut exchanged: Vec<&str> = groups.split_whitespace().collect();
        exchanged.swap(2, 3);
        assert_eq!(read_groups(&exchanged.join(" ")).unwrap_err(), RecoveryError::Group { group: 3 });
        let empty = Directory::empty(crate::id::OrgId::from_bytes([1; 32]));
        assert_eq!(recover(&groups, &empty).unwrap_err(), RecoveryError::UnknownKey);
    }
}
