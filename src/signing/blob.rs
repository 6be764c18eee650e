//! SSH's wire format: strings with a four-byte length in front. Reads strictly, to the last byte.

/// Reads an SSH blob from its front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    /// What was not read yet.
    #[cfg(test)]
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Whether everything was read.
    pub(super) const fn done(&self) -> bool {
        self.0.is_empty()
    }
}

/// Appends an SSH string. Nothing that is written here comes near the four gibibytes of the format.
pub(super) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_lies_ends_the_reading() {
        let mut out = Vec::new();
        put_string(&mut out, b"abc");
        let mut reader = Reader::new(&out);
        assert_eq!((reader.string(), reader.done()), (Some(&b"abc"[..]), true));
        assert_eq!(Reader::new(&out[..6]).string(), None);
        assert_eq!(Reader::new(&[0xff; 4]).string(), None);
    }
}
