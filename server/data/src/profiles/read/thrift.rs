//! Walks over data in Thrift's compact protocol without building anything of it: enough to see, before a Parquet reader
//! believes them, that the sizes in it can be true.
//!
//! The encoding is described in `thrift-compact-protocol.md` of the Apache Thrift project.

/// The deepest nesting that is followed; a Parquet footer has about ten.
const MAX_DEPTH: u32 = 24;
/// The most elements that one list may have.
const MAX_LIST: u64 = 100_000;

/// The type of a field or element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Byte,
    Integer,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Kind {
    fn of(nibble: u8) -> Option<Self> {
        Some(match nibble {
            1 | 2 => Self::Boolean,
            3 => Self::Byte,
            4..=6 => Self::Integer,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            13 => Self::Uuid,
            _ => return None,
        })
    }
}

/// A place in the data. Every method gives none when the data cannot be what it says.
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, depth: 0 }
    }

    /// Bytes walked over.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Walks over the fields of a struct. `take` may walk over a field's value and give true; where it gives false, the
    /// value is walked over here.
    pub(super) fn fields(&mut self, mut take: impl FnMut(&mut Self, i64, Kind) -> Option<bool>) -> Option<()> {
        self.enter()?;
        let mut id = 0;
        loop {
            let header = self.byte()?;
            if header == 0 {
                self.depth -= 1;
                return Some(());
            }
            id = match header >> 4 {
                0 => self.integer()?,
                delta => id + i64::from(delta),
            };
            let kind = Kind::of(header & 15)?;
            if !take(self, id, kind)? {
                // The value of a boolean field is in its header.
                if kind != Kind::Boolean {
                    self.skip(kind)?;
                }
            }
        }
    }

    /// Walks into a list; gives the number of elements and their type.
    pub(super) fn list(&mut self) -> Option<(u64, Kind)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.varint()?,
            short => u64::from(short),
        };
        let is_possible = count <= MAX_LIST && count <= (self.bytes.len() - self.at) as u64;
        if is_possible { Some((count, Kind::of(header & 15)?)) } else { None }
    }

    /// A whole number.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn skip(&mut self, kind: Kind) -> Option<()> {
        match kind {
            Kind::Boolean | Kind::Byte => self.pass(1),
            Kind::Integer => self.varint().map(|_| ()),
            Kind::Double => self.pass(8),
            Kind::Uuid => self.pass(16),
            Kind::Binary => {
                let length = self.varint()?;
                self.pass(length)
            }
            Kind::List => {
                let (count, kind) = self.list()?;
                self.enter()?;
                for _ in 0..count {
                    self.skip(kind)?;
                }
                self.depth -= 1;
                Some(())
            }
            Kind::Map => {
                let count = self.varint()?;
                if count == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                let (key, value) = (Kind::of(kinds >> 4)?, Kind::of(kinds & 15)?);
                self.enter()?;
                for _ in 0..count.min(MAX_LIST + 1) {
                    self.skip(key)?;
                    self.skip(value)?;
                }
                self.depth -= 1;
                (count <= MAX_LIST).then_some(())
            }
            Kind::Struct => self.fields(|_, _, _| Some(false)),
        }
    }

    fn enter(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        let at = self.at.checked_add(usize::try_from(count).ok()?)?;
        (at <= self.bytes.len()).then(|| self.at = at)
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}
