//! No frame and no queue grows above its limit.

use noroshi_sync::limits::FRAME_BYTES_MAX;
use serde::Serialize;

/// Frames of one session that the transport has not taken yet.
pub(crate) const FRAMES_WAITING_MAX: usize = 2_048;
/// Their bytes.
pub(crate) const BYTES_WAITING_MAX: usize = 8 * 1024 * 1024;
/// Questions of all sessions of one node that the store has not answered yet.
pub(crate) const QUESTIONS_MAX: usize = 4_096;

/// The greatest values seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Peaks {
    /// Bytes.
    pub frame: usize,
    pub frames_waiting: usize,
    pub bytes_waiting: usize,
    pub questions: usize,
}

impl Peaks {
    pub(crate) fn frame(&mut self, bytes: usize) -> Result<(), String> {
        self.frame = self.frame.max(bytes);
        within("bytes in a frame", bytes, FRAME_BYTES_MAX)
    }

    pub(crate) fn waiting(&mut self, frames: usize, bytes: usize) -> Result<(), String> {
        self.frames_waiting = self.frames_waiting.max(frames);
        self.bytes_waiting = self.bytes_waiting.max(bytes);
        within("frames waiting to be sent", frames, FRAMES_WAITING_MAX)?;
        within("bytes waiting to be sent", bytes, BYTES_WAITING_MAX)
    }

    pub(crate) fn questions(&mut self, count: usize) -> Result<(), String> {
        self.questions = self.questions.max(count);
        within("questions to the store", count, QUESTIONS_MAX)
    }
}

fn within(what: &str, value: usize, limit: usize) -> Result<(), String> {
    if value <= limit { Ok(()) } else { Err(format!("{value} {what}, the limit is {limit}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_holds_inside_and_not_outside() {
        let mut peaks = Peaks::default();
        assert!(peaks.frame(FRAME_BYTES_MAX).is_ok());
        assert!(peaks.frame(FRAME_BYTES_MAX + 1).is_err());
        assert!(peaks.waiting(FRAMES_WAITING_MAX, BYTES_WAITING_MAX).is_ok());
        assert!(peaks.waiting(FRAMES_WAITING_MAX + 1, 0).is_err());
        assert!(peaks.waiting(0, BYTES_WAITING_MAX + 1).is_err());
        assert!(peaks.questions(QUESTIONS_MAX).is_ok());
        assert!(peaks.questions(QUESTIONS_MAX + 1).is_err());
        assert_eq!((peaks.frame, peaks.frames_waiting), (FRAME_BYTES_MAX + 1, FRAMES_WAITING_MAX + 1));
    }
}
