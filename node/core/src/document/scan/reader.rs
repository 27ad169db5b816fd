//! Takes bytes from a change one after the other, never beyond their end.

use super::refusal::Refusal;

#[derive(Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn take(&mut self, count: u64) -> Result<&'a [u8], Refusal> {
        let count = usize::try_from(count).map_err(|_| Refusal::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Refusal::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Refusal::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// An unsigned LEB128 number in its shortest form.
    pub fn unsigned(&mut self) -> Result<u64, Refusal> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return Err(Refusal::OutOfRange("a number"));
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(Refusal::NotCanonical("a number"));
                }
                return Ok(value);
            }
        }
        Err(Refusal::OutOfRange("a number"))
    }

    /// A signed LEB128 number in its shortest form.
    pub fn signed(&mut self) -> Result<i64, Refusal> {
        let mut value = 0i64;
        let mut previous = 0u8;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte != 0 && byte != 0x7f {
                return Err(Refusal::OutOfRange("a number"));
            }
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let is_only_sign = (byte == 0 && previous & 0x40 == 0) || (byte == 0x7f && previous & 0x40 != 0);
                if shift > 0 && is_only_sign {
                    return Err(Refusal::NotCanonical("a number"));
                }
                if shift < 57 && byte & 0x40 != 0 {
                    value |= -1 << (shift + 7);
                }
                return Ok(value);
            }
            previous = byte;
        }
        Err(Refusal::OutOfRange("a number"))
    }

    /// A number of things that follow, refused before anything is set aside for them.
    pub fn count(&mut self, what: &'static str, limit: usize) -> Result<u64, Refusal> {
        let count = self.unsigned()?;
        if count > limit as u64 {
            return Err(Refusal::TooMany { what, count, limit });
        }
        Ok(count)
    }

    pub fn text(&mut self, bytes: u64) -> Result<&'a str, Refusal> {
        std::str::from_utf8(self.take(bytes)?).map_err(|_| Refusal::NotText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unsigned(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let byte = (value & 0x7f) as u8;
            value >>= 7;
            if value == 0 {
                bytes.push(byte);
                return bytes;
            }
            bytes.push(byte | 0x80);
        }
    }

    fn signed(mut value: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let byte = (value & 0x7f) as u8;
            value >>= 7;
            if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
                bytes.push(byte);
                return bytes;
            }
            bytes.push(byte | 0x80);
        }
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(number: u64, shift in 0u32..64) {
            let number = number >> shift;
            prop_assert_eq!(Reader::new(&unsigned(number)).unsigned(), Ok(number));
            prop_assert_eq!(Reader::new(&signed(number as i64)).signed(), Ok(number as i64));
            prop_assert_eq!(Reader::new(&signed((number as i64).wrapping_neg())).signed(), Ok((number as i64).wrapping_neg()));
        }

        #[test]
        fn a_number_has_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(number) = reader.unsigned() {
                prop_assert_eq!([&unsigned(number), reader.rest()].concat(), bytes.clone());
            }
            let mut reader = Reader::new(&bytes);
            if let Ok(number) = reader.signed() {
                prop_assert_eq!([&signed(number), reader.rest()].concat(), bytes);
            }
        }
    }
}
