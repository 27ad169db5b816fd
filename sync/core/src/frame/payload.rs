//! What a data frame carries: compressed, bounded when inflated, cut into parts that fit into frames.

use super::Payload;
use crate::limits::{FRAME_BYTES_MAX, PAYLOAD_BYTES_MAX};
use crate::store::LogRange;
use crate::wire::{self, Malformed};

/// Level 3 compresses chat about five times at 200 MB/s.
const ZSTD_LEVEL: i32 = 3;
/// Largest compressed payload: a frame without its envelope, bytes.
const DATA_BYTES_MAX: usize = FRAME_BYTES_MAX - 64;

impl Payload {
    pub fn compress(&self) -> Result<Vec<u8>, Malformed> {
        zstd::bulk::compress(&wire::encode(self), ZSTD_LEVEL).map_err(|_| Malformed::Undecodable { what: "payload" })
    }

    /// Inflates at most [`PAYLOAD_BYTES_MAX`], then decodes.
    pub fn decompress(bytes: &[u8]) -> Result<Self, Malformed> {
        let plain = zstd::bulk::decompress(bytes, PAYLOAD_BYTES_MAX)
            .map_err(|_| Malformed::Undecodable { what: "compressed payload" })?;
        wire::decode("payload", &plain, PAYLOAD_BYTES_MAX)
    }

    /// Compressed, in as many parts as it takes for each to fit into a frame. A window too large for a frame of its own,
    /// which no honest writer makes, is said to be unavailable.
    pub fn into_parts(mut self) -> Result<Vec<Vec<u8>>, Malformed> {
        let compressed = self.compress()?;
        if compressed.len() <= DATA_BYTES_MAX {
            return Ok(vec![compressed]);
        }
        if let [window] = self.windows.as_slice() {
            self.unavailable.push(LogRange { log: window.log, first: window.first, last: window.last() });
            self.windows.clear();
            return self.into_parts();
        }
        let windows = self.windows.split_off(self.windows.len() / 2);
        let registers = self.registers.split_off(self.registers.len() / 2);
        if windows.is_empty() && registers.is_empty() {
            return Err(Malformed::Invalid { what: "payload", reason: "one part is larger than a frame" });
        }
        let mut parts = self.into_parts()?;
        parts.extend(Self { windows, registers, unavailable: Vec::new() }.into_parts()?);
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::tests::sample_key;
    use crate::window::tests::sample_window;
    use crate::window::{Item, Window};

    #[test]
    fn a_payload_is_compressed_and_back() {
        let payload = Payload { windows: vec![sample_window(&sample_key(1), 1, 40)], ..Payload::default() };
        let bytes = payload.compress().unwrap();
        assert_eq!(Payload::decompress(&bytes).unwrap(), payload);
    }

    #[test]
    fn a_decompression_bomb_is_refused() {
        let bomb = zstd::bulk::compress(&vec![0u8; 64 * 1024 * 1024], 19).unwrap();
        assert!(bomb.len() < 16 * 1024);
        assert!(Payload::decompress(&bomb).is_err());
    }

    #[test]
    fn a_payload_inflates_to_5_mib_at_most() {
        let inflated =
            |length: usize| Payload::decompress(&zstd::bulk::compress(&vec![0u8; length], 1).unwrap()).unwrap_err();
        let too_large = Malformed::Undecodable { what: "compressed payload" };
        assert_eq!(inflated(PAYLOAD_BYTES_MAX + 1), too_large);
        assert_ne!(inflated(PAYLOAD_BYTES_MAX), too_large);
    }

    /// Bytes that do not compress.
    fn noise(length: usize, seed: u64) -> Vec<u8> {
        let mut reader = blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof();
        let mut bytes = vec![0; length];
        reader.fill(&mut bytes);
        bytes
    }

    #[test]
    fn a_large_payload_is_cut_into_frames() {
        let window = |seed: u64| {
            let mut window = sample_window(&sample_key(1), seed, 1);
            window.items = vec![Item::Entry(noise(200 * 1024, seed))];
            window
        };
        let payload = Payload { windows: (1..=7).map(window).collect(), ..Payload::default() };
        let parts = payload.clone().into_parts().unwrap();
        assert!(parts.len() >= 4 && parts.iter().all(|part| part.len() <= DATA_BYTES_MAX));
        let back: Vec<Window> = parts.iter().flat_map(|part| Payload::decompress(part).unwrap().windows).collect();
        assert_eq!(back, payload.windows);
    }

    #[test]
    fn a_window_too_large_for_any_frame_is_said_to_be_unavailable() {
        let mut window = sample_window(&sample_key(1), 4, 1);
        window.items = vec![Item::Entry(noise(FRAME_BYTES_MAX, 1))];
        let range = LogRange { log: window.log, first: 4, last: 4 };
        let parts = Payload { windows: vec![window], ..Payload::default() }.into_parts().unwrap();
        let parts: Vec<Payload> = parts.iter().map(|part| Payload::decompress(part).unwrap()).collect();
        assert_eq!(parts, vec![Payload { unavailable: vec![range], ..Payload::default() }]);
    }
}
