//! Runs code that may panic on what others wrote: the panic becomes an error, silently, and only there.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Longest description of a panic that is kept, characters: it may quote what the other side sent.
const DESCRIPTION_CHARS_MAX: usize = 200;

/// Runs `work`; a panic inside ends it and is returned as where and why.
///
/// What `work` borrows mutably must be thrown away after an error: pass it a copy.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    let outer = GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.map_err(|_| LAST_PANIC.take().unwrap_or_else(|| "panic".into()))
}

/// Panics inside [`guarded`] are noted instead of printed; all others, also of other threads, go where they always went.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.get() {
                let text: String = info.to_string().chars().take(DESCRIPTION_CHARS_MAX).collect();
                LAST_PANIC.set(Some(text));
            } else {
                usual(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_says_where() {
        let failure = guarded(|| panic!("no such op")).unwrap_err();
        assert!(failure.contains("guard.rs") && failure.contains("no such op"), "{failure}");
        assert_eq!(guarded(|| 7), Ok(7));
    }

    #[test]
    fn the_guard_ends_with_the_call_also_when_nested() {
        let _ = guarded(|| {
            let _ = guarded(|| panic!("inner"));
            assert!(GUARDED.get());
        });
        assert!(!GUARDED.get());
    }

    #[test]
    fn other_threads_panic_as_before() {
        let inside = guarded(|| std::thread::spawn(|| GUARDED.get()).join().unwrap());
        assert_eq!(inside, Ok(false));
    }
}
