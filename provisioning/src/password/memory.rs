//! The memory in which passwords are checked, kept from one check to the next.
//!
//! Nineteen megabytes taken and given back on whatever thread stay in the allocator's share of each of these threads:
//! a thousand log-ins made a node grow by more than 200 MB. Kept here they are as many as checks run at once.

use std::sync::{Mutex, PoisonError};

use argon2::Block;

use super::MEMORY_KIB;

static FREE: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// Memories that are kept; more than so many cores check passwords nowhere.
const KEPT_MAX: usize = 16;

/// Lends `count` blocks of one KiB. They hold what was computed in them before.
pub(super) fn with_blocks<T>(count: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
    let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut memory = free.unwrap_or_default();
    if memory.len() < count {
        memory.resize(count, Block::default());
    }
    let result = work(memory.get_mut(..count).unwrap_or_default());
    // What later versions may ask for in addition is not kept.
    if memory.len() <= MEMORY_KIB as usize {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT_MAX {
            free.push(memory);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_lent_as_large_as_it_is_needed() {
        for count in [8, 1_024, 8, MEMORY_KIB as usize, MEMORY_KIB as usize + 1, 1] {
            assert_eq!(with_blocks(count, |blocks| blocks.len()), count);
        }
        // Two at once have each their own.
        with_blocks(8, |_| assert_eq!(with_blocks(16, |blocks| blocks.len()), 16));
    }
}
