//! The SHA-256 of what is read, so that a history can say which bytes a snapshot was made of.

use std::io::{self, Read, Seek};

use sha2::{Digest as _, Sha256};

/// Hashes what goes through it.
pub(crate) struct Hashed<R> {
    input: R,
    hash: Sha256,
}

impl<R: Read> Hashed<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, hash: Sha256::new() }
    }

    /// The hash of the whole input, in hexadecimal: what nobody wanted to read of it counts as well.
    pub(crate) fn finish(mut self) -> io::Result<String> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(text_of(self.hash))
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.hash.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

/// The hash of a file that is not read from its start to its end. Leaves it at its start.
pub(crate) fn of_file(file: &mut (impl Read + Seek)) -> io::Result<String> {
    file.rewind()?;
    let hash = Hashed::new(&mut *file).finish()?;
    file.rewind()?;
    Ok(hash)
}

/// One hash for all: of a single file its own, of several that of the list that `sha256sum` prints of them.
pub(crate) fn of_all(files: &[(String, String)]) -> Option<String> {
    match files {
        [] => None,
        [(_, hash)] => Some(hash.clone()),
        several => {
            let mut list = Sha256::new();
            several.iter().for_each(|(name, hash)| list.update(format!("{hash}  {name}\n")));
            Some(text_of(list))
        }
    }
}

fn text_of(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Hashed, of_all, of_file};
    use std::io::{Cursor, Read as _};

    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_hash_is_that_of_all_bytes_however_many_were_read() {
        for read in 0..=3 {
            let mut hashed = Hashed::new(&b"abc"[..]);
            hashed.read_exact(&mut vec![0; read]).expect("read");
            assert_eq!(hashed.finish().expect("hashed"), OF_ABC);
        }
        let mut file = Cursor::new(b"abc");
        file.set_position(2);
        assert_eq!(of_file(&mut file).expect("hashed"), OF_ABC);
        assert_eq!(file.position(), 0);
    }

    #[test]
    fn several_files_have_the_hash_of_their_list() {
        let files =
            |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), OF_ABC.to_owned())).collect::<Vec<_>>();
        assert_eq!(of_all(&[]), None);
        assert_eq!(of_all(&files(&["a.csv"])).as_deref(), Some(OF_ABC));
        // printf abc > a.csv; printf abc > b.csv; sha256sum a.csv b.csv | sha256sum
        let both = "1ba5ad8c12552da55e7a5bda491af7a0e332a407119b7fa49dc58ba4a6d2692e";
        assert_eq!(of_all(&files(&["a.csv", "b.csv"])).as_deref(), Some(both));
    }
}
