//! Showing text from strangers: printable ASCII as it is, everything else by name (D14, D15).
//!
//! What a terminal would obey, reorder, hide or draw like something else never reaches it.

/// `bytes` on one line: printable ASCII unchanged, everything else as `<U+202E>`, `<TAB>`, `<CR>`, `<LF>`
/// or, where it is no UTF-8, `<0xFF>`. Text that already looks like such a name is marked too.
#[must_use]
pub fn line(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        for (at, c) in text.char_indices() {
            match c {
                '<' if imitates(&text[at..]) => out.push_str("<U+003C>"),
                ' '..='~' => out.push(c),
                '\t' => out.push_str("<TAB>"),
                '\r' => out.push_str("<CR>"),
                '\n' => out.push_str("<LF>"),
                _ => out.push_str(&format!("<U+{:04X}>", u32::from(c))),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("<0x{byte:02X}>"));
        }
    }
    out
}

/// Several lines: as [`line()`], but a line feed stays one.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    bytes.split(|b| *b == b'\n').map(line).collect::<Vec<_>>().join("\n")
}

fn imitates(text: &str) -> bool {
    ["<U+", "<0x", "<TAB>", "<CR>", "<LF>"].iter().any(|name| text.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], expected: &str) {
        assert_eq!(line(input), expected);
    }

    #[test]
    fn d15_everything_but_printable_ascii_is_spelled_out() {
        check(b"plain <b> text", "plain <b> text");
        check("a\u{202e}b".as_bytes(), "a<U+202E>b");
        check("p\u{430}th".as_bytes(), "p<U+0430>th");
        check("\u{e0041}\u{200b}\u{7f}".as_bytes(), "<U+E0041><U+200B><U+007F>");
        check(b"\x1b[2J\t\r\n\0", "<U+001B>[2J<TAB><CR><LF><U+0000>");
        check(b"\xff\xc3", "<0xFF><0xC3>");
        check(b"<U+202E> <TAB> <x>", "<U+003C>U+202E> <U+003C>TAB> <x>");
    }

    proptest::proptest! {
        #[test]
        fn d15_no_other_byte_gets_out(input: Vec<u8>) {
            proptest::prop_assert!(text(&input).bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)));
        }

        #[test]
        fn d14_no_two_texts_look_alike(a: String, b: String) {
            proptest::prop_assert_eq!(a == b, line(a.as_bytes()) == line(b.as_bytes()));
        }
    }
}
