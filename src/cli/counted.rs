//! A number and the noun that goes with it.

use std::fmt::Display;

/// `1 node`, `2 nodes`, for nouns whose plural is an `s` more.
pub(super) fn counted<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let ending = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        let said = [0_usize, 1, 2, 11].map(|count| counted(count, "node"));
        assert_eq!(said, ["0 nodes", "1 node", "2 nodes", "11 nodes"]);
        assert_eq!(counted(-1_i64, "day"), "-1 days");
    }
}
