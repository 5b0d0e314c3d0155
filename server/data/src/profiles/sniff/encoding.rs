//! Guessing the encoding of a text file.

use domain::source::Encoding;

/// The encoding: what a byte order mark says; UTF-16 where every other byte is mostly NUL, as in Western text; UTF-8
/// where that is what the bytes are, but for a few; otherwise Windows-1252, in which every byte means something.
pub(super) fn guess<'a>(head: &'a [u8], pieces: impl Iterator<Item = &'a [u8]>) -> Encoding {
    if let Some(encoding) = marked(head) {
        return encoding;
    }
    if let Some(encoding) = utf16(&head[..head.len().min(8192)]) {
        return encoding;
    }
    // Only whole characters of several bytes count for UTF-8, and only bytes that cannot be its, against it. A file in
    // UTF-8 with some foreign rows loses these rows, by name; taken for Windows-1252 it would lose all accents.
    let (mut whole, mut foreign) = count(head);
    for piece in pieces {
        let counts = count(piece);
        whole += counts.0;
        foreign += counts.1;
    }
    if foreign == 0 || whole > 4 * foreign { Encoding::Utf8 } else { Encoding::Windows1252 }
}

/// The encoding whose byte order mark is there.
pub(super) fn marked(head: &[u8]) -> Option<Encoding> {
    match head {
        [0xEF, 0xBB, 0xBF, ..] => Some(Encoding::Utf8),
        [0xFF, 0xFE, ..] => Some(Encoding::Utf16Le),
        [0xFE, 0xFF, ..] => Some(Encoding::Utf16Be),
        _ => None,
    }
}

fn utf16(start: &[u8]) -> Option<Encoding> {
    let pairs = start.len() / 2;
    if pairs < 4 {
        return None;
    }
    let zeros = |offset| start.iter().skip(offset).step_by(2).take(pairs).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 10 >= pairs * 7 && even * 10 <= pairs {
        Some(Encoding::Utf16Le)
    } else if even * 10 >= pairs * 7 && odd * 10 <= pairs {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// Characters of several bytes, and bytes that are no UTF-8; a piece may begin and end in the middle of a character.
fn count(bytes: &[u8]) -> (usize, usize) {
    let start = bytes.iter().take(3).take_while(|byte| (0x80..0xC0).contains(*byte)).count();
    let (mut whole, mut foreign) = (0, 0);
    for chunk in bytes[start..].utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        if !chunk.invalid().is_empty() {
            foreign += 1;
        }
    }
    let is_cut = bytes.utf8_chunks().last().is_some_and(|chunk| is_beginning(chunk.invalid()));
    (whole, foreign - usize::from(is_cut && foreign > 0))
}

/// Could these last bytes be the beginning of a character? The chunk says only that they are not a whole one.
fn is_beginning(bytes: &[u8]) -> bool {
    match bytes {
        [] => false,
        bytes => std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none()),
    }
}

#[cfg(test)]
mod tests {
    use domain::source::Encoding::{Utf8, Utf16Be, Utf16Le, Windows1252};

    use super::guess;

    #[test]
    fn the_encoding_shows_in_the_bytes() {
        let utf16 = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        let le: Vec<u8> = utf16("Name;Città\r\nAnna;Roma").into_iter().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = utf16("Name;Città\r\nAnna;Roma").into_iter().flat_map(u16::to_be_bytes).collect();
        for (bytes, expected) in [
            (&b"name,city\nAnna,Roma"[..], Utf8),
            ("\u{feff}name".as_bytes(), Utf8),
            ("José,Łódź".as_bytes(), Utf8),
            ("José".as_bytes().split_last().expect("bytes").1, Utf8),
            (b"Jos\xe9,M\xe1laga", Windows1252),
            (b"\xff\xfea\0", Utf16Le),
            (b"\xfe\xff\0a", Utf16Be),
            (&le, Utf16Le),
            (&be, Utf16Be),
            (b"", Utf8),
        ] {
            assert_eq!(guess(bytes, std::iter::empty()), expected, "{bytes:?}");
        }
        let mixed = [&"José Núñez Łódź Ñandú\n".as_bytes().repeat(3)[..], b"Jos\xe9\n"].concat();
        assert_eq!(guess(&mixed, std::iter::empty()), Utf8);
    }
}
