//! The names of all settings, and what a wrong name was meant to be.

use super::table;

/// Most letters that a slip may change.
const SLIP_MAX: usize = 3;

/// All keys as `section.key`, in the order of the papers.
pub fn all() -> Vec<String> {
    table::all().map(|setting| setting.key.to_owned()).collect()
}

/// The environment variable of a key: `TIDINGS_HTTP_LISTEN` for `http.listen`.
pub fn variable(key: &str) -> String {
    format!("TIDINGS_{}", key.to_uppercase().replace('.', "_"))
}

/// The known name that is nearest to a wrong one, if any is near.
pub fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let near = known.map(|candidate| (distance(name, &candidate), candidate));
    near.filter(|(distance, _)| *distance <= SLIP_MAX).min().map(|(_, candidate)| candidate)
}

/// Letters to insert, delete or change (Levenshtein), one row of the table at a time.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, (diagonal, above)) in b.bytes().zip(row.iter().zip(row.iter().skip(1))) {
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let meant = |name: &str| nearest(name, all().into_iter());
        assert_eq!(meant("http.lisen").as_deref(), Some("http.listen"));
        assert_eq!(meant("sesion.ping_intervall").as_deref(), Some("session.ping_interval"));
        assert_eq!(meant("something.else_entirely"), None);
    }

    #[test]
    fn distance_counts_letters() {
        for (a, b, letters) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), letters, "{a} {b}");
        }
    }
}
