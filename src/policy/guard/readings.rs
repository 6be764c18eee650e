//! As which shells a text is read. `/bin/sh` may be bash or dash, and the worse reading counts; dash is
//! asked only where it may read something differently.

use super::{Subject, interpreter};

/// Whether `subject` itself has something that dash reads differently. What it computes and then runs
/// is looked at when that happens.
pub(super) fn differ(subject: &Subject<'_>) -> bool {
    match subject {
        Subject::Argv(words) => words.iter().any(|word| text_differs(&word.code())),
        Subject::Shell(text) => text_differs(text),
        Subject::File(..) => false,
    }
}

/// Whether only bash ever reads `subject`: its first line says so.
pub(super) fn only_bash(subject: &Subject<'_>) -> bool {
    let Subject::File(_, content, _) = subject else { return false };
    let first = content.prefix().lines().next().and_then(|line| line.strip_prefix("#!"));
    first.and_then(interpreter::program_of).as_deref() == Some("bash")
}

/// Whether dash may read `text` differently than bash. Too often is only slower. That its `echo` decodes what bash's
/// prints as it is shows when it runs.
pub(super) fn text_differs(text: &str) -> bool {
    let bytes = text.as_bytes();
    let last_of_list = text.rfind(',').max(text.rfind("..")).unwrap_or(0);
    let at = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
    let before = |at: usize| if at == 0 { b' ' } else { bytes[at - 1] };
    text.contains("alias")
        || bytes.iter().enumerate().any(|(i, byte)| match byte {
            b'$' => match at(i + 1) {
                b'\'' | b'"' | b'[' => true,
                b'{' => !is_plain_expansion(&bytes[i + 2..]),
                _ => false,
            },
            b'{' => before(i) != b'$' && i < last_of_list && !at(i + 1).is_ascii_whitespace(),
            b'[' => at(i + 1) == b'[' || before(i).is_ascii_alphanumeric() || before(i) == b'_',
            b'(' if before(i) == b'(' => i < 2 || bytes[i - 2] != b'$',
            b'(' => b"=@!?*+<>".contains(&before(i)),
            b'<' => text[i..].starts_with("<<<"),
            b'&' => {
                let duplicates = before(i) == b'>' && (at(i + 1).is_ascii_digit() || at(i + 1) == b'-');
                at(i + 1) == b'>' || (matches!(before(i), b'>' | b'|') && !duplicates)
            }
            _ => false,
        })
}

/// Whether `${`, behind which `inside` stands, starts an expansion that both shells have.
fn is_plain_expansion(inside: &[u8]) -> bool {
    let letters = |from: &[u8]| from.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let name = match inside.first() {
        Some(b'#') => 1 + letters(&inside[1..]),
        Some(b'@' | b'*') => 1,
        Some(_) | None => letters(inside),
    };
    matches!(
        (inside.get(name), inside.get(name + 1)),
        (Some(b'}' | b'-' | b'=' | b'?' | b'+' | b'%' | b'#'), _)
            | (Some(b':'), Some(b'-' | b'=' | b'?' | b'+'))
    )
}

#[cfg(test)]
mod tests {
    use super::text_differs;

    #[test]
    fn dash_is_asked_where_it_may_read_something_else() {
        let check = |text: &str, expected: bool| assert_eq!(text_differs(text), expected, "{text}");
        check("rm -rf /srv/x && echo ok || exit 1", false);
        check("f() { echo $(date) > /dev/null 2>&1; }; f", false);
        check("find . -exec rm {} +; awk '{print $1}' f", false);
        check("x=${y:-z}; y=${x%/*}; [ -n \"$x\" ] <<E\nE\n", false);
        check("echo $((1+2)) ${x##*/} ${#x} ${x%%.*} ${@:-a}", false);
        check("echo ${x^}", true);
        check("rm {a,b}", true);
        check("echo 'a\\nb'", false);
        check("{ a; }; f() {\n b,c; }", false);
        check("x=(a b)", true);
        check("cat <(ls)", true);
        check("cat <<<x", true);
        check("a &> f", true);
        check("a >& f", true);
        check("a |& b", true);
        check("[[ -n x ]]", true);
        check("echo $'x'", true);
        check("echo ${x/a/b}", true);
        check("echo ${!x}", true);
        check("echo ${x[0]}", true);
        check("((x++))", true);
        check("( ( true ) )", false);
        check("(true; (false))", false);
        check("ls !(a|b)", true);
    }
}
